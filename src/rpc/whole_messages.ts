import { Code, ConnectError } from "@connectrpc/connect";
import type { BodyReader } from "./body_reader.ts";
import { Gathered } from "./gathered.ts";

/** What a body of envelopes is held to by the client that receives it. */
export interface EnvelopeEnding {
  /** The flag of the envelope that ends the body; 0 where the protocol has none. */
  readonly flag: number;
}

/**
 * A body of envelopes, cut only where one ends. What reads it (connect-es) takes room for as much as
 * an envelope declares, and time that grows with the square of the pieces one comes in: it is given
 * whole ones.
 */
export class WholeEnvelopes implements AsyncIterableIterator<Uint8Array> {
  readonly #body: BodyReader;
  readonly #maxBytes: number;
  readonly #gathered = new Gathered();
  /** Octets still missing of the current header, then of its payload. */
  #headerLeft = ENVELOPE_HEADER;
  #payloadLeft = 0;
  #declared = 0;
  /** An envelope declared too much: the reader is given everything as it comes, and says so. */
  #overlong = false;
  readonly #ending: EnvelopeEnding | undefined;
  /** The flags of all envelopes together. */
  #flags = 0;

  /**
   * @param maxBytes the largest message.
   * @param ending how a response must end: connect-es blames the caller for one that does not. A request
   * is left to connect-es.
   */
  constructor(body: BodyReader, maxBytes: number, ending?: EnvelopeEnding) {
    this.#body = body;
    this.#maxBytes = maxBytes;
    this.#ending = ending;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      for (;;) {
        const next = await this.#body.next();
        if (next.done === true) {
          this.#judgeEnd();
          return this.#gathered.length === 0 ? next : { done: false, value: this.#gathered.take() };
        }
        const end = this.#overlong ? next.value.byteLength : this.#scan(next.value);
        if (end === 0) this.#gathered.add(next.value);
        else return { done: false, value: this.#wholeUntil(next.value, end) };
      }
    } catch (error) {
      this.#gathered.drop();
      this.#body.abandon();
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#gathered.drop();
    return this.#body.return();
  }

  throw(error?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#gathered.drop();
    return this.#body.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #judgeEnd(): void {
    if (this.#ending === undefined || this.#overlong) return;
    if (this.#gathered.length > 0) throw protocolError("incomplete envelope");
    const { flag } = this.#ending;
    if ((this.#flags & flag) !== flag) throw protocolError("the response has no end");
  }

  #wholeUntil(bytes: Uint8Array, end: number): Uint8Array {
    if (this.#gathered.length > 0) this.#gathered.add(bytes.subarray(0, end));
    const whole = this.#gathered.length > 0 ? this.#gathered.take() : bytes.subarray(0, end);
    if (end < bytes.byteLength) this.#gathered.add(bytes.subarray(end));
    return whole;
  }

  /** Where the last envelope that ends in `bytes` does; 0 where none does. */
  #scan(bytes: Uint8Array): number {
    let end = 0;
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#headerLeft > 0) {
        this.#readHeader(bytes[at++] as number);
        if (this.#overlong) return bytes.byteLength;
      } else {
        const taken = Math.min(this.#payloadLeft, bytes.byteLength - at);
        this.#payloadLeft -= taken;
        at += taken;
      }
      if (this.#headerLeft === 0 && this.#payloadLeft === 0) {
        end = at;
        this.#headerLeft = ENVELOPE_HEADER;
        this.#declared = 0;
      }
    }
    return end;
  }

  #readHeader(octet: number): void {
    if (this.#headerLeft === ENVELOPE_HEADER) this.#flags |= octet;
    else this.#declared = this.#declared * 256 + octet;
    this.#headerLeft--;
    if (this.#headerLeft > 0) return;
    this.#payloadLeft = this.#declared;
    this.#overlong = this.#declared > this.#maxBytes;
  }
}

const ENVELOPE_HEADER = 5;

/**
 * A body that is one message, given in one piece; see {@linkcode WholeEnvelopes}. One that is too large
 * is given as it comes, for the reader to say so.
 */
export class WholeBody implements AsyncIterableIterator<Uint8Array> {
  readonly #body: BodyReader;
  readonly #maxBytes: number;
  readonly #promisedBytes: number | undefined;
  readonly #gathered = new Gathered();
  #given = false;

  /**
   * @param maxBytes the largest message.
   * @param promisedBytes the `content-length`, where there is one; `NaN` is not held against it.
   */
  constructor(body: BodyReader, maxBytes: number, promisedBytes: number | undefined) {
    this.#body = body;
    this.#maxBytes = maxBytes;
    this.#promisedBytes = Number.isNaN(promisedBytes) ? undefined : promisedBytes;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      while (!this.#given) {
        const next = await this.#body.next();
        if (next.done === true) {
          this.#given = true;
          if (this.#gathered.length !== (this.#promisedBytes ?? this.#gathered.length)) {
            throw brokenPromise(this.#promisedBytes, this.#gathered.length);
          }
          if (this.#gathered.length === 0) return next;
          return { done: false, value: this.#gathered.take() };
        }
        this.#gathered.add(next.value);
        if (this.#gathered.length > this.#maxBytes) {
          this.#given = true;
          return { done: false, value: this.#gathered.take() };
        }
      }
      return await this.#body.next();
    } catch (error) {
      this.#gathered.drop();
      this.#body.abandon();
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#gathered.drop();
    return this.#body.return();
  }

  throw(error?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#gathered.drop();
    return this.#body.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function protocolError(message: string): ConnectError {
  return new ConnectError(`protocol error: ${message}`, Code.Internal);
}

/** As connect-es words it. */
function brokenPromise(promised: number | undefined, received: number): ConnectError {
  return new ConnectError(
    `protocol error: promised ${promised} bytes, received ${received}`,
    Code.InvalidArgument,
  );
}
