import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { asError } from "../values/mod.ts";

/** What one read may bring. */
const READ_BYTES = 64 * 1024;
/** What is at most copied out of the buffer that is read into, so that few bytes do not hold many. */
const COPIED_BYTES = 16 * 1024;

/** What waits to be written; `end` stands for the end of our direction. */
type Outgoing = { readonly bytes: Uint8Array; readonly written: () => void } | "end";

/** A connection of the platform's own listener as a byte channel: nothing is read before it is asked for. */
export class ConnChannel implements ByteChannel {
  readonly #conn: Deno.Conn;
  readonly #onClosed: (released: Promise<void> | undefined) => void;
  readonly #outgoing: Outgoing[] = [];
  #receiver: ByteReceiver | undefined;
  #resumed: PromiseWithResolvers<void> | undefined;
  #writing = false;
  #writesEnded: (() => void) | undefined;
  #ourEnd = false;
  #theirEnd = false;
  #state: "open" | "closed" | "reported" = "open";
  #error: Error | undefined;

  /**
   * Takes over `conn`.
   *
   * @param onClosed Called once the channel is closed. The platform does not close a connection before the
   * write under way has ended, and a peer that does not read lets none end: then with what settles once the
   * connection is released.
   */
  constructor(conn: Deno.Conn, onClosed: (released: Promise<void> | undefined) => void) {
    this.#conn = conn;
    this.#onClosed = onClosed;
  }

  start(receiver: ByteReceiver): void {
    if (this.#receiver !== undefined) throw new TypeError("a channel is started once");
    this.#receiver = receiver;
    if (this.#state === "open") void this.#read(receiver);
    else queueMicrotask(() => this.#report());
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.#hand({ bytes, written });
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  end(): void {
    this.#hand("end");
  }

  destroy(): void {
    this.#close(undefined);
  }

  async #read(receiver: ByteReceiver): Promise<void> {
    let buffer = new Uint8Array(READ_BYTES);
    try {
      while (this.#state === "open") {
        if (this.#resumed !== undefined) await this.#resumed.promise;
        const count = await this.#conn.read(buffer);
        if (this.#state !== "open") return;
        if (count === null) break;
        if (count <= COPIED_BYTES) {
          receiver.received(buffer.slice(0, count));
        } else {
          const isFree = receiver.received(buffer.subarray(0, count));
          if (isFree !== true) buffer = new Uint8Array(READ_BYTES);
        }
      }
      if (this.#state !== "open") return;
      this.#theirEnd = true;
      receiver.ended();
    } catch (error) {
      return this.#close(asError(error));
    }
    if (this.#ourEnd) this.#close(undefined);
  }

  #hand(outgoing: Outgoing): void {
    if (this.#state !== "open" || this.#ourEnd || this.#outgoing.at(-1) === "end") return;
    this.#outgoing.push(outgoing);
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    let failure: Error | undefined;
    try {
      for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
        if (next === "end") await this.#endOurs();
        else await this.#send(next.bytes, next.written);
      }
    } catch (error) {
      failure = asError(error);
    }
    this.#writing = false;
    this.#writesEnded?.();
    if (failure !== undefined || (this.#ourEnd && this.#theirEnd)) this.#close(failure);
  }

  async #send(bytes: Uint8Array, written: () => void): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    if (this.#state === "open") written();
  }

  async #endOurs(): Promise<void> {
    await this.#conn.closeWrite();
    this.#ourEnd = true;
  }

  #close(error: Error | undefined): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#error = error;
    this.#outgoing.length = 0;
    this.resume();
    const released = this.#writing
      ? new Promise<void>((resolve) => this.#writesEnded = resolve)
      : undefined;
    // A second close throws where no code can catch it; the state allows for one.
    this.#conn.close();
    this.#onClosed(released);
    queueMicrotask(() => this.#report());
  }

  #report(): void {
    if (this.#receiver === undefined || this.#state !== "closed") return;
    this.#state = "reported";
    this.#receiver.closed(this.#error);
  }
}
