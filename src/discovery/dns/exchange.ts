import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { TcpAddress } from "../../channel/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import { decodeResponse, type DnsResponse, encodeQuestion, type RecordType } from "./message.ts";
import { joined, onAbort } from "../../values/mod.ts";

/** A name server, by its IP address. */
export type NameServer = Pick<TcpAddress, "host" | "port">;

/** One question to one server. */
export interface DnsQuestion {
  readonly server: NameServer;
  readonly name: string;
  readonly type: RecordType;
  /** How long the server may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Asks one server: over UDP, and over TCP where the response does not fit (RFC 7766 §5).
 *
 * @throws {Error} If there is no response in time, or what comes is no DNS message; the reason of `signal`.
 */
export async function askServer(question: DnsQuestion): Promise<DnsResponse> {
  const overUdp = await within(question, askUdp);
  return overUdp.truncated ? await within(question, askTcp) : overUdp;
}

/** What one exchange is given, and reports to. */
interface Exchange {
  readonly question: DnsQuestion;
  readonly id: number;
  readonly resolve: (response: DnsResponse) => void;
  readonly reject: (error: Error) => void;
}

/** Runs an exchange within the time of the question. */
async function within(
  question: DnsQuestion,
  begin: (exchange: Exchange) => () => void,
): Promise<DnsResponse> {
  const { server, timeoutMs, signal, clock } = question;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<DnsResponse>();
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const close = begin({ question, id, resolve, reject });
  const where = `${server.host} port ${server.port}`;
  using _timer = clock.schedule(
    () => reject(new Error(`name server ${where} has not answered within ${timeoutMs} ms`)),
    timeoutMs,
    { background: true },
  );
  using _abort = onAbort(signal, () => reject(signal.reason));
  try {
    return await promise;
  } finally {
    close();
  }
}

function askUdp({ question, id, resolve, reject }: Exchange): () => void {
  const { server, name, type } = question;
  const socket = createSocket(server.host.includes(":") ? "udp6" : "udp4");
  socket.on("error", (error) => reject(error));
  let from: string | undefined;
  let isOver = false;
  socket.on("message", (bytes, sender) => {
    // What is not the response to this question, or comes from elsewhere, may be forged: the wait goes on.
    if (endpointOf(sender) !== from) return;
    const response = readable(bytes, { id, name, type });
    if (response?.matches) resolve(response);
  });
  // Whom a connected socket hears is not the same on every platform.
  socket.connect(server.port, server.host, (error?: Error | null) => {
    if (isOver) return;
    if (error) return reject(error);
    from = endpointOf(socket.remoteAddress());
    socket.send(encodeQuestion(id, name, type));
  });
  return () => {
    isOver = true;
    socket.close();
  };
}

/** An address and a port as one text, the same for every spelling of the address. */
function endpointOf(
  { address, port }: { readonly address: string; readonly port: number },
): string {
  const bare = address.replace(/%.*$/, "");
  return `${bare.includes(":") ? new URL(`udp://[${bare}]`).hostname : bare} ${port}`;
}

function readable(
  bytes: Uint8Array,
  asked: Parameters<typeof decodeResponse>[1],
): DnsResponse | undefined {
  try {
    return decodeResponse(bytes, asked);
  } catch {
    return undefined;
  }
}

/** The length that precedes a message over TCP (RFC 1035 §4.2.2). */
const LENGTH_BYTES = 2;

function askTcp({ question, id, resolve, reject }: Exchange): () => void {
  const { server, name, type } = question;
  const socket = connect({ port: server.port, host: server.host });
  let received = new Uint8Array(0);
  socket.on("error", (error) => reject(error));
  socket.on("close", () => reject(new Error("the name server closed the connection early")));
  socket.on("connect", () => {
    const message = encodeQuestion(id, name, type);
    socket.write(new Uint8Array([message.length >> 8, message.length & 0xff, ...message]));
  });
  socket.on("data", (bytes: Uint8Array) => {
    received = joined([received, bytes]);
    if (received.length < LENGTH_BYTES) return;
    const end = LENGTH_BYTES + (received[0]! << 8 | received[1]!);
    if (received.length < end) return;
    const response = readable(received.subarray(LENGTH_BYTES, end), { id, name, type });
    if (response?.matches) resolve(response);
    else reject(new Error("the name server's response over TCP cannot be read"));
  });
  return () => socket.destroy();
}
