import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { callFrames, type Target } from "./attacker.ts";
import { Flag, frame, join, PREFACE, settings, Type } from "./frames.ts";

/** Calls a routine that goes on until it is asked to stop, and is gone without a word: not even TLS's. */
export async function vanish(target: Target, routine = "hostile.hold"): Promise<void> {
  const socket = await connected(target);
  // What TLS would still say once we are gone fails to leave.
  socket.on("error", () => {});
  const calls = [1, 3, 5, 7, 9].map((id) => callFrames(id, routine, []));
  const greeting = join(PREFACE, settings(), frame(Type.SETTINGS, Flag.ACK, 0));
  await new Promise((sent) => socket.write(join(greeting, ...calls), sent));
  socket.destroy();
}

async function connected({ port, path, tls }: Target): Promise<Socket> {
  const address = path === undefined ? { host: "127.0.0.1", port } : { path };
  if (tls === undefined) {
    const socket = connect(address);
    await once(socket, "connect");
    return socket;
  }
  const socket = connectTls({
    ...address,
    ...tls,
    ALPNProtocols: ["h2"],
    // The name is no matter here.
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  return socket;
}
