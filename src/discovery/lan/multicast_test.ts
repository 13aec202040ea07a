import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { systemClock } from "../../observe/mod.ts";
import { Multicast } from "./multicast.ts";

const LOOPBACK = {
  lo: [{
    address: "127.0.0.1",
    cidr: "127.0.0.1/32",
    family: "IPv4" as const,
    netmask: "255.255.255.255",
    mac: "",
    internal: true,
  }],
};

Deno.test("Multicast hears what comes from its own links, and nothing that comes from elsewhere", async () => {
  using far = await neighbour("127.0.0.2", 0);
  const { port } = far.socket.address();
  using near = await neighbour("0.0.0.0", port);
  const heard: string[] = [];
  const arrived = Promise.withResolvers<void>();
  using multicast = new Multicast({
    interfaces: ["127.0.0.1"],
    own: () => LOOPBACK,
    port,
    clock: systemClock,
    onMessage: (bytes) => {
      heard.push(new TextDecoder().decode(bytes));
      arrived.resolve();
    },
  });
  assert.ok(await multicast.refresh());
  await far.say("from elsewhere", port);
  await near.say("from here", port);
  await arrived.promise;
  assert.deepEqual(heard, ["from here"]);
});

interface Neighbour extends Disposable {
  readonly socket: Socket;
  say(text: string, port: number): Promise<void>;
}

/** Another program that sends to the group on loopback, from an address. */
async function neighbour(address: string, port: number): Promise<Neighbour> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  await new Promise<void>((resolve) => socket.bind({ address, port }, resolve));
  socket.setMulticastInterface("127.0.0.1");
  return {
    socket,
    say: (text, to) =>
      new Promise((resolve, reject) =>
        socket.send(text, to, "224.0.0.251", (error) => error ? reject(error) : resolve())
      ),
    [Symbol.dispose]: () => void socket.close(),
  };
}
