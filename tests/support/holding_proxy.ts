import { joined } from "../../src/values/mod.ts";

/** The length of an HTTP/2 frame's header (RFC 9113 §4.1). */
const HEADER = 9;
/** What a client sends before its first frame (RFC 9113 §3.4). */
const PREFACE = 24;
/** No frame has it. */
const PREFACE_TYPE = -1;
const DATA = 0;
const HEADERS = 1;
const END_STREAM = 1;

/** One HTTP/2 frame as it was sent. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly stream: number;
  readonly type: number;
  /** Whether it is the last one of its stream. */
  readonly ends: boolean;
}

/**
 * Forwards plaintext HTTP/2 connections to a server, frame by frame, and can hold back what one connection carries,
 * so that a request reaches a real server, or its answer the client, long after the client has given up.
 */
export class HoldingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<HeldConnection>();
  readonly #serving: Promise<void>;
  #answer = Promise.withResolvers<void>();

  /** @param port where the server listens, on loopback. */
  constructor(port: number) {
    this.#serving = this.#serve(port);
  }

  /** Where clients connect. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on no request of the connections that are open reaches the server. */
  holdRequests(): HeldRequest {
    const [newest] = [...this.#connections].slice(-1);
    if (newest === undefined) throw new Error("nobody is connected");
    return newest.holdRequests();
  }

  /** From now on no answer of the connections that are open reaches a client. */
  holdAnswers(): void {
    for (const connection of this.#connections) connection.holdsAnswers = true;
  }

  /** Resolves when the next message of the server is forwarded to a client. */
  answered(): Promise<void> {
    return (this.#answer = Promise.withResolvers()).promise;
  }

  async #serve(port: number): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const connection = new HeldConnection(client, server, () => this.#answer.resolve());
      this.#connections.add(connection);
      connection.over.then(() => this.#connections.delete(connection));
    }
  }

  /** Ends it and its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#serving;
    await Promise.all([...this.#connections].map(({ over }) => over));
  }
}

/** A request that is held back. */
export interface HeldRequest {
  /** Resolves when all of it has been read from the client. */
  readonly held: Promise<void>;
  /** Sends it to the server. Resolves when the server has answered it. */
  release(): Promise<void>;
}

class HeldConnection {
  readonly over: Promise<unknown>;
  holdsAnswers = false;
  readonly #client: Deno.TcpConn;
  readonly #server: Deno.TcpConn;
  #held: Uint8Array[] | undefined;
  #isWhole = false;
  readonly #whole = Promise.withResolvers<number>();
  readonly #answered = new Map<number, () => void>();

  constructor(
    client: Deno.TcpConn,
    server: Deno.TcpConn,
    readonly onMessage: () => void,
  ) {
    this.#client = client;
    this.#server = server;
    this.over = Promise.all([this.#requests(), this.#answers()]).finally(() => this.close());
  }

  holdRequests(): HeldRequest {
    this.#held = [];
    return { held: this.#whole.promise.then(() => {}), release: () => this.#release() };
  }

  close(): void {
    for (const end of [this.#client, this.#server]) {
      try {
        end.close();
      } catch {
        // It is closed already.
      }
    }
  }

  async #release(): Promise<void> {
    const stream = await this.#whole.promise;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered.set(stream, resolve);
    // Frames after the request, such as its cancellation, are not sent.
    for (const bytes of this.#held!) await write(this.#server, bytes);
    await promise;
  }

  async #requests(): Promise<void> {
    for await (const { bytes, ends, stream } of framesOf(this.#client, PREFACE)) {
      if (this.#held === undefined) await write(this.#server, bytes);
      else if (stream > 0 && !this.#isWhole) {
        this.#held.push(bytes);
        this.#isWhole = ends;
        if (ends) this.#whole.resolve(stream);
      }
    }
    // A held connection ends for the server when the proxy does.
    if (this.#held === undefined) this.close();
  }

  async #answers(): Promise<void> {
    for await (const { bytes, ends, stream, type } of framesOf(this.#server, 0)) {
      if (ends) this.#answered.get(stream)?.();
      if (this.holdsAnswers || this.#held !== undefined) continue;
      await write(this.#client, bytes);
      if (type === DATA) this.onMessage();
    }
    this.close();
  }
}

/** Reads the frames of one direction; what comes before the first is a frame of no stream. */
async function* framesOf(end: Deno.TcpConn, before: number): AsyncGenerator<Frame> {
  let buffered = new Uint8Array();
  let skip = before;
  const chunk = new Uint8Array(65_536);
  for (;;) {
    const count = await end.read(chunk).catch(() => null);
    if (count === null) return;
    buffered = joined([buffered, chunk.subarray(0, count)]);
    for (;;) {
      const length = skip > 0 ? skip : frameLength(buffered);
      if (length === undefined || buffered.length < length) break;
      const bytes = buffered.slice(0, length);
      buffered = buffered.slice(length);
      yield skip > 0 ? { bytes, stream: 0, type: PREFACE_TYPE, ends: false } : frame(bytes);
      skip = 0;
    }
  }
}

function frameLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER) return undefined;
  return HEADER + (bytes[0]! << 16 | bytes[1]! << 8 | bytes[2]!);
}

function frame(bytes: Uint8Array): Frame {
  const [type, flags] = [bytes[3]!, bytes[4]!];
  const stream = new DataView(bytes.buffer).getUint32(5) & 0x7fff_ffff;
  return {
    bytes,
    stream,
    type,
    ends: (type === DATA || type === HEADERS) && (flags & END_STREAM) > 0,
  };
}

/** Writes all of it, unless the end is closed. */
async function write(end: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await end.write(bytes.subarray(at));
  } catch {
    // The reader of that end notices.
  }
}
