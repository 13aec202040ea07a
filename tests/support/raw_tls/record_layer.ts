import { joined, type Octets } from "./octets.ts";
import {
  CONTENT,
  type RecordContent,
  recordHeader,
  type RecordProtection,
} from "./record_protection.ts";

/** The most that a record carries (RFC 8446 §5.1). */
const RECORD_BYTES = 16 * 1024;
const HEADER_BYTES = 5;

/** How the other end left. */
export type ConnectionEnd = "ended" | "reset";

/** Records over a TCP connection. What is written gathers until it is sent off in one piece. */
export class RecordLayer {
  readonly #connection: Deno.TcpConn;
  #arrived: Octets = new Uint8Array(0);
  #gathered: Octets[] = [];
  #reading: RecordProtection | undefined;
  #writing: RecordProtection | undefined;
  #end: ConnectionEnd = "ended";

  /** Begins in the clear. */
  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** How the other end left; to be asked once {@linkcode read} found nothing more. */
  get end(): ConnectionEnd {
    return this.#end;
  }

  /** What is read from now on is protected so. */
  readUnder(protection: RecordProtection): void {
    this.#reading = protection;
  }

  /** What is written from now on is protected so. */
  writeUnder(protection: RecordProtection): void {
    this.#writing = protection;
  }

  /** Writes content, in as many records as it needs. */
  async write(type: number, content: Uint8Array): Promise<void> {
    for (let at = 0; at === 0 || at < content.length; at += RECORD_BYTES) {
      const part = content.slice(at, at + RECORD_BYTES);
      this.#gathered.push(
        this.#writing === undefined
          ? joined(recordHeader(type, part.length), part)
          : await this.#writing.seal({ type, content: part }),
      );
    }
  }

  /** Writes octets as they are. */
  writeAsTheyAre(octets: Uint8Array): void {
    this.#gathered.push(octets.slice());
  }

  /** Sends off what was written; false where the other end has gone. */
  async send(): Promise<boolean> {
    const octets = joined(...this.#gathered.splice(0));
    try {
      for (let at = 0; at < octets.length;) {
        at += await this.#connection.write(octets.subarray(at));
      }
      return true;
    } catch (error) {
      if (!isGone(error)) throw error;
      return false;
    }
  }

  /** The next record, opened; `undefined` where the other end has left. */
  async read(): Promise<RecordContent | undefined> {
    for (;;) {
      if (!await this.#gather(HEADER_BYTES)) return undefined;
      const [type = 0, , , high = 0, low = 0] = this.#arrived;
      const whole = HEADER_BYTES + high * 256 + low;
      if (!await this.#gather(whole)) return undefined;
      const content = this.#arrived.slice(HEADER_BYTES, whole);
      this.#arrived = this.#arrived.slice(whole);
      // RFC 8446 §5: in the middle of a handshake it says nothing.
      if (type === CONTENT.changeCipherSpec) continue;
      if (type !== CONTENT.applicationData) return { type, content };
      if (this.#reading === undefined) throw new TypeError("a protected record before any key");
      return await this.#reading.open(content);
    }
  }

  /** Hangs up. */
  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #gather(count: number): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    while (this.#arrived.length < count) {
      const length = await this.#readInto(chunk);
      if (length === null) return false;
      this.#arrived = joined(this.#arrived, chunk.subarray(0, length));
    }
    return true;
  }

  async #readInto(chunk: Uint8Array): Promise<number | null> {
    try {
      return await this.#connection.read(chunk);
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#end = "reset";
      return null;
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}
