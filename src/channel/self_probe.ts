import { connect } from "node:net";
import { formatAddress, type TcpAddress, type UnixAddress } from "./address.ts";
import { onAbort } from "../values/mod.ts";

/**
 * How long a listener may take to accept: so many timers, one after the other, of so many milliseconds. A stall of the
 * event loop, however long, delays one of them: time in which this process did not run does not count.
 */
const ACCEPT_TURNS = 20;
const TURN_MS = 100;

/** What a connection to our own listener showed. */
export type ProbeResult =
  /** It was accepted. */
  | "accepted"
  /** The process has no file descriptor left, so that nothing can be accepted either. */
  | "no-descriptor"
  /** The connection was refused, or stands and was not accepted in time. */
  | "not-accepted"
  /** We have no permission to connect there. */
  | "not-permitted";

/**
 * Connects to a listener of this process, because the platform does not report that it has ceased to accept.
 *
 * @param token What the connection says, by which the listener knows it.
 * @param accepted Resolves once the listener has accepted a connection.
 * @param abandoned Ends the attempt.
 */
export async function probeListener(
  address: TcpAddress | UnixAddress,
  token: Uint8Array,
  accepted: Promise<void>,
  abandoned: AbortSignal,
): Promise<ProbeResult> {
  if (!mayConnect(address)) return "not-permitted";
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = address.kind === "unix"
    ? connect({ path: address.path })
    : connect({ host: address.host, port: address.port });
  let heard = false;
  accepted.then(() => heard = true);
  const fail = (result: ProbeResult): void => resolve(heard ? "accepted" : result);
  socket.on("error", (error: Error & { code?: string }) => {
    fail(isOutOfDescriptors(error) ? "no-descriptor" : "not-accepted");
  });
  socket.once("connect", () => socket.end(token));
  const closed = new Promise<void>((gone) => socket.once("close", () => gone()));
  // The listener closes it once it knows it by its token; closed before, it would be taken for a client's.
  accepted.then(() => closed).then(() => resolve("accepted"));
  using _abandon = onAbort(abandoned, () => fail("not-accepted"));
  let turns = 0;
  const wait = (): ReturnType<typeof setTimeout> => setTimeout(turn, TURN_MS);
  const turn = (): void => {
    turns += 1;
    if (turns === ACCEPT_TURNS) return fail("not-accepted");
    timer = wait();
  };
  let timer = wait();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Whether an error says that the process, or the system, has no file descriptor left. */
export function isOutOfDescriptors(error: Error & { readonly code?: unknown }): boolean {
  return error.code === "EMFILE" || error.code === "ENFILE";
}

/** Connecting without asking first would prompt a person at a terminal. */
function mayConnect(address: TcpAddress | UnixAddress): boolean {
  const wanted: Deno.PermissionDescriptor[] = address.kind === "unix"
    ? [{ name: "read", path: address.path }, { name: "write", path: address.path }]
    : [{ name: "net", host: formatAddress(address) }];
  return wanted.every((each) => Deno.permissions.querySync(each).state === "granted");
}
