import { HpackDecoder } from "../../src/http2/hpack/mod.ts";
import {
  CODES,
  data,
  Flag,
  frame,
  headers,
  join,
  literals,
  PREFACE,
  settings,
  text,
  Type,
  windowUpdate,
} from "./frames.ts";

/** A worker to attack: plain values, so that another thread can be told. */
export interface Target {
  readonly port: number;
  /** What the attacker shows, and whom it trusts. Default: plaintext. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** How an attacker behaves where it behaves. */
export interface Greeting {
  /** What it announces. Default: nothing. */
  readonly settings?: readonly (readonly [number, number])[];
  /** Whether it acknowledges the worker's SETTINGS and answers its PINGs. Default: `true`. */
  readonly polite?: boolean;
}

/** The header section of a call. */
export const CALL: readonly string[] = [
  ":method",
  "POST",
  ":scheme",
  "https",
  ":authority",
  "worker.test",
  ":path",
  "/selvage.v1.WorkerService/Call",
  "content-type",
  "application/json",
];

/** The header section of a call that is answered with a stream. */
export const STREAM: readonly string[] = CALL.map((value) =>
  value.endsWith("/Call") ? "/selvage.v1.WorkerService/Stream" : value
).with(-1, "application/connect+json");

const READ_BYTES = 64 * 1024;
/** Room for all that is asked for. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024 * 1024;

/** What the worker has answered on a stream. */
interface Answered {
  status?: string;
  reset?: string;
  ended: boolean;
  bytes: number;
}

/** One end of a connection to a worker, which sends whatever it likes. */
export class Attacker implements Disposable {
  /** When the worker has closed its side. */
  readonly closed: Promise<void>;
  /** Octets that have come. */
  received = 0;
  readonly #conn: Deno.Conn;
  readonly #polite: boolean;
  readonly #decoder = new HpackDecoder(64 * 1024);
  readonly #streams = new Map<number, Answered>();
  #goAway: string | undefined;
  #isClosed = false;
  #acknowledged = false;
  #pongs = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #news = Promise.withResolvers<void>();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(conn: Deno.Conn, polite: boolean) {
    this.#conn = conn;
    this.#polite = polite;
    this.closed = this.#read();
  }

  /** Connects, and says nothing yet. */
  static async connect(target: Target, polite = false): Promise<Attacker> {
    const address = { hostname: "127.0.0.1", port: target.port };
    const { tls } = target;
    const conn = tls === undefined ? await Deno.connect(address) : await Deno.connectTls({
      ...address,
      caCerts: [tls.ca],
      cert: tls.cert,
      key: tls.key,
      alpnProtocols: ["h2"],
    });
    return new Attacker(conn, polite);
  }

  /** Connects, and begins as a client should. */
  static async greet(target: Target, greeting: Greeting = {}): Promise<Attacker> {
    const { polite = true } = greeting;
    const attacker = await Attacker.connect(target, polite);
    await attacker.send(
      PREFACE,
      settings(...(greeting.settings ?? [])),
      windowUpdate(0, CONNECTION_WINDOW_BYTES),
    );
    // The acknowledgement is no part of what follows.
    if (polite) await attacker.#until(() => attacker.over || attacker.#acknowledged);
    return attacker;
  }

  /** Whether the worker has said or done what ends the connection. */
  get over(): boolean {
    return this.#goAway !== undefined || this.#isClosed;
  }

  /** Sends octets, one call after the other; what cannot be sent any more is dropped. */
  send(...chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = join(...chunks);
    const sent = this.#writing.then(() => this.#write(bytes));
    this.#writing = sent;
    return sent;
  }

  /** Sends rounds of octets until the worker has had enough, at most so many. */
  async flood(round: (n: number) => Uint8Array, rounds: number): Promise<void> {
    for (let n = 0; n < rounds && !this.over; n++) await this.send(round(n));
  }

  /** Ends our direction. */
  async end(): Promise<void> {
    await this.#writing;
    await this.#conn.closeWrite().catch(() => {});
  }

  /** What the worker says of the connection: its GOAWAY, or that it just closes. */
  async verdict(): Promise<string> {
    await this.#until(() => this.over);
    if (this.#goAway === undefined) return "closed";
    // Whoever is told to leave leaves; and the worker closes too.
    await this.end();
    await this.closed;
    return this.#goAway;
  }

  /** What the worker answers on a stream: a RST_STREAM, a status, or the end of the connection. */
  async answer(streamId: number): Promise<string> {
    await this.#until(() => this.over || this.#isAnswered(streamId));
    const { reset, status } = this.#streams.get(streamId) ?? {};
    return status ?? reset ?? await this.verdict();
  }

  /** Octets of DATA that have come on a stream. */
  bytesOn(streamId: number): number {
    return this.#streams.get(streamId)?.bytes ?? 0;
  }

  /** Waits until so many streams were answered, or the connection is over. */
  async answered(count: number): Promise<void> {
    await this.#until(() =>
      this.over || this.#streams.values().filter(({ ended }) => ended).take(count).toArray()
          .length >= count
    );
  }

  /** Waits until the worker has read everything that was sent. */
  async heard(): Promise<void> {
    const before = this.#pongs;
    await this.send(frame(Type.PING, 0, 0, new Uint8Array(8)));
    await this.#until(() => this.over || this.#pongs > before);
  }

  /** Makes an honest call, and gives its status. */
  async call(streamId: number): Promise<string> {
    await this.send(callFrames(streamId, "hostile.echo", [streamId]));
    return await this.answer(streamId);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length && !this.#isClosed;) {
        at += await this.#conn.write(bytes.subarray(at));
      }
    } catch {
      // The worker has closed; its verdict tells.
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        this.#take(buffer.subarray(0, count));
      }
    } catch {
      // A reset: as good as an end.
    }
    this[Symbol.dispose]();
    this.#tell();
  }

  #take(bytes: Uint8Array): void {
    this.received += bytes.length;
    let rest = this.#rest.length === 0 ? bytes : join(this.#rest, bytes);
    while (rest.length >= 9) {
      const view = new DataView(rest.buffer, rest.byteOffset);
      const end = 9 + (view.getUint32(0) >>> 8);
      if (rest.length < end) break;
      this.#frame(rest[3]!, rest[4]!, view.getUint32(5), rest.subarray(9, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest.slice();
    this.#tell();
  }

  #frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const ack = (flags & Flag.ACK) !== 0;
    const view = new DataView(payload.buffer, payload.byteOffset);
    switch (type) {
      case Type.SETTINGS:
        if (ack || !this.#polite) return;
        this.#acknowledged = true;
        return void this.send(frame(Type.SETTINGS, Flag.ACK, 0));
      case Type.PING:
        if (ack) this.#pongs++;
        else if (this.#polite) void this.send(frame(Type.PING, Flag.ACK, 0, payload.slice()));
        return;
      case Type.GOAWAY:
        this.#goAway ??= `GOAWAY ${CODES[view.getUint32(4)]}`;
        return;
      case Type.RST_STREAM: {
        const stream = this.#stream(streamId);
        stream.reset ??= `RST_STREAM ${CODES[view.getUint32(0)]}`;
        stream.ended = true;
        return;
      }
      case Type.DATA:
        this.#stream(streamId).bytes += payload.length;
        break;
      case Type.HEADERS: {
        const { fields } = this.#decoder.decode(payload, 0, payload.length);
        const status = fields[fields.indexOf(":status") + 1];
        if (status !== undefined) this.#stream(streamId).status ??= status;
        break;
      }
      default:
        return;
    }
    if ((flags & Flag.END_STREAM) !== 0) this.#stream(streamId).ended = true;
  }

  #stream(streamId: number): Answered {
    let stream = this.#streams.get(streamId);
    if (stream === undefined) this.#streams.set(streamId, stream = { ended: false, bytes: 0 });
    return stream;
  }

  #isAnswered(streamId: number): boolean {
    const { status, reset } = this.#streams.get(streamId) ?? {};
    return (status ?? reset) !== undefined;
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await this.#news.promise;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** A whole call of a routine, as any other language would make it. */
export function callFrames(
  streamId: number,
  routine: string,
  args: readonly unknown[],
): Uint8Array {
  return join(
    headers(streamId, literals(CALL), false),
    data(streamId, callBody(routine, args), true),
  );
}

/** The body of a call. */
export function callBody(routine: string, args: readonly unknown[]): Uint8Array {
  return text(JSON.stringify({ routine, arguments: { json: JSON.stringify(args) } }));
}
