import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { KeyExchangeReader } from "./server_hello.ts";
import type { TlsBelow } from "./tls_below.ts";
import { joined, NO_BYTES } from "../../values/mod.ts";

/** How many of the first bytes of a peer are kept for telling what it speaks. */
const FIRST_BYTES = 16;
/** What is thrown away of a peer that has said it would send nothing more; beyond that it is cut off. */
export const DISCARDED_BYTES: number = 64 * 1024;
/** A record whose content is encrypted. */
const APPLICATION_DATA = 0x17;

/**
 * A socket as TLS is given it. Pausing a TLS socket here does not stop the socket below it, so this one
 * passes on what TLS can take and pauses the raw socket for the rest.
 */
export class RawDuplex extends Duplex implements TlsBelow {
  /** The socket below; addresses are asked of it. */
  readonly raw: Socket;
  #held = false;
  #ended = false;
  /** Bytes that came when TLS took none any more; `undefined` while it does. */
  #discarded: number | undefined;
  #waiting: Uint8Array | undefined;
  #firstBytes: Uint8Array = NO_BYTES;
  readonly #keyExchange = new KeyExchangeReader();
  readonly #isClient: boolean;
  /** Which end sends the ServerHello; `undefined` once it is read. */
  #server: "peer" | "us" | undefined;
  /** What TLS 1.3 has encrypted and may not leave yet; `undefined` where all may. */
  #withheld: Uint8Array[] | undefined;

  /**
   * Takes over `raw`, which is paused where bytes `arrived` from it already: they are passed on once TLS has
   * started, so that its errors are reported as events.
   *
   * @param server which end is the server of TLS.
   */
  constructor(raw: Socket, server: "peer" | "us", arrived?: Uint8Array) {
    super({ allowHalfOpen: true });
    this.raw = raw;
    this.#server = server;
    this.#isClient = server === "peer";
    this.#waiting = arrived;
    raw.on("data", this.#onData);
    raw.on("end", this.#onEnd);
    raw.on("error", this.#onError);
    raw.on("close", this.#onClose);
    // A closure that named the bytes would keep them for as long as the socket has listeners.
    if (this.#waiting !== undefined) setImmediate(() => this.#passOn());
  }

  /** Itself. */
  get stream(): this {
    return this;
  }

  /** Nothing is to be done: the platform reads this stream. */
  carry(): void {}

  /** What the server sent first, at most 16 bytes of it. */
  get firstBytes(): Uint8Array {
    return this.#firstBytes;
  }

  /** The group of the key exchange, as the ServerHello says. */
  get keyExchange(): string {
    return this.#keyExchange.group;
  }

  /** Whether the peer ended its direction. */
  get peerEnded(): boolean {
    return this.#ended;
  }

  /** Whether nothing is between the raw socket and TLS, in either direction, and nothing is kept back. */
  get isAtRest(): boolean {
    return this.#waiting === undefined && this.#withheld === undefined && !this.#ended &&
      this.#discarded === undefined && !this.destroyed && this.readableLength === 0 &&
      this.writableLength === 0;
  }

  /** Whether reading is stopped. */
  get isHeld(): boolean {
    return this.#held;
  }

  /** Hears nothing of the raw socket any more: TLS is on the socket's handle, and no longer on this stream. */
  stepAside(): void {
    this.raw.removeListener("data", this.#onData);
    this.raw.removeListener("end", this.#onEnd);
    this.raw.removeListener("error", this.#onError);
    this.raw.removeListener("close", this.#onClose);
  }

  /** Stops reading from the raw socket until `release`. */
  hold(): void {
    this.#held = true;
    this.raw.pause();
  }

  /** Goes on reading. */
  release(): void {
    this.#held = false;
    this.raw.resume();
  }

  /** TLS has received its last byte: data after the peer's end is ignored (RFC 8446 §6.1) and discarded. */
  endReceived(): void {
    this.#discarded ??= 0;
  }

  /** From now on lets nothing leave that TLS 1.3 has encrypted: our certificate and its proof are the first of it. */
  withhold(): void {
    this.#withheld = [];
  }

  /** Sends what was withheld, and withholds nothing any more. */
  sendWithheld(): void {
    const kept = this.#withheld ?? [];
    this.#withheld = undefined;
    for (const bytes of kept) this.raw.write(bytes);
  }

  /** Asked for more by the stream machinery. */
  override _read(): void {
    if (!this.#held && this.#waiting === undefined) this.raw.resume();
  }

  /** Hands encrypted bytes to the socket. */
  override _write(
    chunk: Uint8Array,
    _encoding: string,
    written: (error?: Error | null) => void,
  ): void {
    if (this.#server === "us") this.#readServerHello(chunk);
    if (this.#isWithheld(chunk)) written();
    else this.raw.write(chunk, written);
  }

  /** Hands several pieces over in one go. */
  override _writev(
    pieces: { chunk: Uint8Array }[],
    written: (error?: Error | null) => void,
  ): void {
    if (this.#server === "us") pieces.forEach(({ chunk }) => this.#readServerHello(chunk));
    if (this.#withheld !== undefined) {
      const passing = pieces.filter(({ chunk }) => !this.#isWithheld(chunk));
      for (const { chunk } of passing) this.raw.write(chunk);
      return written();
    }
    this.raw.cork();
    const last = pieces.length - 1;
    pieces.forEach(({ chunk }, at) => {
      if (at === last) this.raw.write(chunk, written);
      else this.raw.write(chunk);
    });
    this.raw.uncork();
  }

  /** Ends our direction. */
  override _final(done: (error?: Error | null) => void): void {
    this.raw.end(() => done());
  }

  /** Closes the raw socket. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.raw.destroy();
    done(error);
  }

  readonly #onData = (chunk: Uint8Array): void => this.#arrive(chunk);

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.push(null);
  };

  readonly #onError = (error: Error): void => void this.destroy(error);

  readonly #onClose = (): void => {
    if (!this.#ended) this.destroy();
  };

  #isWithheld(chunk: Uint8Array): boolean {
    const kept = this.#withheld;
    if (kept === undefined || (kept.length === 0 && isInTheClear(chunk))) return false;
    // A copy: the `slice` of a `Buffer` is a view of it.
    kept.push(new Uint8Array(chunk));
    return true;
  }

  #passOn(): void {
    const arrived = this.#waiting;
    this.#waiting = undefined;
    if (this.destroyed || arrived === undefined) return;
    this.#arrive(arrived);
    if (!this.#held) this.raw.resume();
  }

  #arrive(chunk: Uint8Array): void {
    if (this.#discarded !== undefined) return this.#discard(this.#discarded + chunk.length);
    // Whoever accepts has seen them before.
    if (this.#isClient && this.#firstBytes.length < FIRST_BYTES) this.#keepFirst(chunk);
    if (this.#server === "peer") this.#readServerHello(chunk);
    if (!this.push(chunk)) this.raw.pause();
  }

  #readServerHello(chunk: Uint8Array): void {
    this.#keyExchange.read(chunk);
    if (this.#keyExchange.done) this.#server = undefined;
  }

  #discard(bytes: number): void {
    this.#discarded = bytes;
    if (bytes > DISCARDED_BYTES) this.destroy();
  }

  #keepFirst(chunk: Uint8Array): void {
    const more = chunk.subarray(0, FIRST_BYTES - this.#firstBytes.length);
    this.#firstBytes = joined([this.#firstBytes, more]);
  }
}

/** Whether every record is one that TLS 1.3 sends in the clear: a hello, an alert or change_cipher_spec (RFC 8446 §5.1). */
function isInTheClear(records: Uint8Array): boolean {
  let at = 0;
  while (at + 5 <= records.length && records[at] !== APPLICATION_DATA) {
    at += 5 + ((records[at + 3] ?? 0) << 8 | (records[at + 4] ?? 0));
  }
  return at === records.length;
}
