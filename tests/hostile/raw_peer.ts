import { CODES, Flag, frame, join, Type } from "./frames.ts";
import type { Wire } from "./wire.ts";

/** What a peer answers by itself: SETTINGS and PINGs, PINGs alone, or neither. */
export type Manners = "polite" | "pings" | "none";

/** One end of an HTTP/2 connection, which sends whatever it likes. */
export abstract class RawPeer implements Disposable {
  /** When the other end has closed its side. */
  readonly closed: Promise<void>;
  /** Octets that have come. */
  received = 0;
  readonly #wire: Wire;
  readonly #manners: Manners;
  #prefaceBytes: number;
  #goAway: string | undefined;
  #isClosed = false;
  #acknowledged = false;
  #pongs = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #news = Promise.withResolvers<void>();
  #writing: Promise<unknown> = Promise.resolve();

  /** @param prefaceBytes octets that come before the first frame. */
  protected constructor(wire: Wire, manners: Manners, prefaceBytes = 0) {
    this.#wire = wire;
    this.#manners = manners;
    this.#prefaceBytes = prefaceBytes;
    this.closed = this.#read();
  }

  /** Whether the other end has said or done what ends the connection. */
  get over(): boolean {
    return this.#goAway !== undefined || this.#isClosed;
  }

  /** Whether the other end's SETTINGS have been acknowledged. */
  protected get acknowledged(): boolean {
    return this.#acknowledged;
  }

  /** Sends octets, one call after the other; what cannot be sent any more is dropped. */
  send(...chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = join(...chunks);
    const sent = this.#writing.then(() => this.#write(bytes));
    this.#writing = sent;
    return sent;
  }

  /** Sends rounds of octets until the other end has had enough, at most so many. */
  async flood(round: (n: number) => Uint8Array, rounds: number): Promise<void> {
    for (let n = 0; n < rounds && !this.over; n++) await this.send(round(n));
  }

  /** Ends our direction. */
  async end(): Promise<void> {
    await this.#writing;
    await this.#wire.end();
  }

  /** What the other end says of the connection: its GOAWAY, or that it just closes. */
  async verdict(): Promise<string> {
    await this.until(() => this.over);
    if (this.#goAway === undefined) return "closed";
    // A peer that is asked to leave leaves; and the other end closes too.
    await this.end();
    await this.closed;
    return this.#goAway;
  }

  /** Waits until the other end has read everything that was sent. */
  async heard(): Promise<void> {
    const before = this.#pongs;
    await this.send(frame(Type.PING, 0, 0, new Uint8Array(8)));
    await this.until(() => this.over || this.#pongs > before);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#wire.close();
  }

  /** A frame of a stream, or one that was not expected. */
  protected abstract frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Uint8Array,
  ): void;

  /** Waits for something that what comes brings about. */
  protected async until(reached: () => boolean): Promise<void> {
    while (!reached()) await this.#news.promise;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      if (!this.#isClosed) await this.#wire.write(bytes);
    } catch {
      // The other end has closed; its verdict says so.
    }
  }

  async #read(): Promise<void> {
    await this.#wire.read((bytes) => this.#take(bytes));
    this[Symbol.dispose]();
    this.#wake();
  }

  #take(bytes: Uint8Array): void {
    this.received += bytes.length;
    let rest = this.#rest.length === 0 ? bytes : join(this.#rest, bytes);
    if (this.#prefaceBytes > 0 && rest.length >= this.#prefaceBytes) {
      rest = rest.subarray(this.#prefaceBytes);
      this.#prefaceBytes = 0;
    }
    while (this.#prefaceBytes === 0 && rest.length >= 9) {
      const view = new DataView(rest.buffer, rest.byteOffset);
      const end = 9 + (view.getUint32(0) >>> 8);
      if (rest.length < end) break;
      this.#frame(rest[3]!, rest[4]!, view.getUint32(5), rest.subarray(9, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest.slice();
    this.#wake();
  }

  #frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const ack = (flags & Flag.ACK) !== 0;
    switch (type) {
      case Type.SETTINGS:
        if (ack || this.#manners !== "polite") return;
        this.#acknowledged = true;
        return void this.send(frame(Type.SETTINGS, Flag.ACK, 0));
      case Type.PING:
        if (ack) this.#pongs++;
        else if (this.#manners !== "none") {
          void this.send(frame(Type.PING, Flag.ACK, 0, payload.slice()));
        }
        return;
      case Type.GOAWAY: {
        const code = new DataView(payload.buffer, payload.byteOffset).getUint32(4);
        this.#goAway ??= `GOAWAY ${CODES[code]}`;
        return;
      }
      default:
        this.frame(type, flags, streamId, payload);
    }
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
