import { Code, ConnectError } from "@connectrpc/connect";
import type { BodyReader } from "./body_reader.ts";
import { EnvelopeHead } from "./envelope.ts";
import type { GatherBudget } from "./gather_budget.ts";
import { expectedBytes, Gathered } from "./gathered.ts";
import { type StreamTurn, streamTurn } from "./stream_turn.ts";

/** Their reader reads all that it is given without a pause. */
const ENVELOPES_AT_ONCE = 64;

/** How any body is received. */
interface GatherOptions {
  /** What the gathering may take. Default: the budget of the process. */
  readonly budget?: GatherBudget;
  /** When the body is read. Default: as those of all streams of the process. */
  readonly turn?: StreamTurn;
}

/** How a body of envelopes is received. */
export interface WholeEnvelopesOptions extends GatherOptions {
  /**
   * Of a response, the flag of the envelope that ends it, 0 where the protocol has none: one that ends
   * otherwise is the server's fault, where connect-es blames the caller. Default: the end of the body is
   * left to connect-es, as it is of a request.
   */
  readonly endFlag?: number;
}

/** How a body of one message is received. */
export interface WholeBodyOptions extends GatherOptions {
  /** The `content-length`, where there is one; `NaN` is not held against it. Default: none. */
  readonly promisedBytes?: number | undefined;
}

/** A body read in whole messages. Whatever goes wrong with it, what was gathered is let go. */
abstract class WholeMessages implements AsyncIterableIterator<Uint8Array> {
  protected readonly body: BodyReader;
  protected readonly gathered: Gathered;
  protected readonly turn: StreamTurn;
  /** What was read and waits to be given, beginning with an envelope. */
  protected rest: Uint8Array | undefined;

  constructor(body: BodyReader, { budget, turn = streamTurn }: GatherOptions) {
    this.body = body;
    this.gathered = new Gathered(budget);
    this.turn = turn;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const value = await this.read();
      return value === undefined ? { done: true, value } : { done: false, value };
    } catch (error) {
      this.#drop();
      this.body.abandon();
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#drop();
    return this.body.return();
  }

  throw(error?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#drop();
    return this.body.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #drop(): void {
    this.gathered.drop();
    this.rest = undefined;
  }

  /** The next piece of the body as it came, once it is its turn. */
  protected async piece(): Promise<Uint8Array | undefined> {
    if (this.turn.isOver) await this.turn.next();
    this.turn.count(1);
    return (await this.body.next()).value;
  }

  /** The next piece; `undefined` after the last. */
  protected abstract read(): Promise<Uint8Array | undefined>;
}

/**
 * A body of envelopes, cut only where one ends. What reads it (connect-es) takes room for as much as
 * an envelope declares, and time that grows with the square of the pieces one comes in: it is given
 * whole ones.
 */
export class WholeEnvelopes extends WholeMessages {
  readonly #maxBytes: number;
  readonly #head = new EnvelopeHead();
  /** Octets still missing of the current payload. */
  #payloadLeft = 0;
  /** An envelope declared too much: the reader is given everything as it comes, and says so. */
  #overlong = false;
  readonly #endFlag: number | undefined;
  /** The flags of all envelopes together. */
  #flags = 0;

  /** @param maxBytes the largest message. */
  constructor(body: BodyReader, maxBytes: number, options: WholeEnvelopesOptions = {}) {
    super(body, options);
    this.#maxBytes = maxBytes;
    this.#endFlag = options.endFlag;
  }

  protected override async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = await this.#next();
      if (bytes === undefined) {
        this.#judgeEnd();
        return this.gathered.length === 0 ? undefined : this.gathered.take();
      }
      const end = this.#overlong ? bytes.byteLength : this.#scan(bytes);
      if (end > 0) return this.#wholeUntil(bytes, end);
      this.#gather(bytes);
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { rest } = this;
    if (rest === undefined) return await this.piece();
    if (this.turn.isOver) await this.turn.next();
    this.rest = undefined;
    return rest;
  }

  #judgeEnd(): void {
    if (this.#endFlag === undefined || this.#overlong) return;
    if (this.gathered.length > 0) throw protocolError("incomplete envelope");
    if ((this.#flags & this.#endFlag) !== this.#endFlag) {
      throw protocolError("the response has no end");
    }
  }

  #wholeUntil(bytes: Uint8Array, end: number): Uint8Array {
    if (this.gathered.length > 0) {
      this.gathered.add(bytes.subarray(0, end), this.gathered.length + end);
    }
    const whole = this.gathered.length > 0 ? this.gathered.take() : bytes.subarray(0, end);
    if (end === bytes.byteLength) return whole;
    if (this.#head.hasBegun) this.#gather(bytes.subarray(end));
    else this.rest = bytes.subarray(end);
    return whole;
  }

  #gather(bytes: Uint8Array): void {
    const length = this.gathered.length + bytes.byteLength;
    // The header is needed to know how many there will be.
    this.gathered.add(bytes, this.#head.isWhole ? length + this.#payloadLeft : undefined);
  }

  /** Where the last envelope that ends in `bytes` does, or the last of those that are given at once; 0 where none does. */
  #scan(bytes: Uint8Array): number {
    const head = this.#head;
    let end = 0;
    let whole = 0;
    for (let at = 0; at < bytes.byteLength;) {
      if (!head.isWhole) {
        at = head.read(bytes, at);
        if (!head.isWhole) return end;
        this.#flags |= head.flags;
        this.#payloadLeft = head.length;
        this.#overlong = head.length > this.#maxBytes;
        if (this.#overlong) return bytes.byteLength;
      }
      const taken = Math.min(this.#payloadLeft, bytes.byteLength - at);
      this.#payloadLeft -= taken;
      at += taken;
      if (this.#payloadLeft > 0) return end;
      end = at;
      head.reset();
      this.turn.count(1);
      if (++whole === ENVELOPES_AT_ONCE) break;
    }
    return end;
  }
}

/**
 * A body that is one message, given in one piece; see {@linkcode WholeEnvelopes}. One that is too large
 * is given as it comes, for the reader to say so.
 */
export class WholeBody extends WholeMessages {
  readonly #maxBytes: number;
  readonly #promisedBytes: number | undefined;
  #given = false;

  /** @param maxBytes the largest message. */
  constructor(body: BodyReader, maxBytes: number, options: WholeBodyOptions = {}) {
    super(body, options);
    const { promisedBytes } = options;
    this.#maxBytes = maxBytes;
    this.#promisedBytes = Number.isNaN(promisedBytes) ? undefined : promisedBytes;
  }

  protected override async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const value = await this.piece();
      if (this.#given) return value;
      if (value === undefined) {
        this.#judgeLength();
        return this.gathered.length === 0 ? undefined : this.gathered.take();
      }
      this.gathered.add(value, expectedBytes(this.#promisedBytes, this.#maxBytes));
      if (this.gathered.length <= this.#maxBytes) continue;
      this.#given = true;
      return this.gathered.take();
    }
  }

  #judgeLength(): void {
    this.#given = true;
    const promised = this.#promisedBytes ?? this.gathered.length;
    if (this.gathered.length === promised) return;
    throw new ConnectError(
      `protocol error: promised ${promised} bytes, received ${this.gathered.length}`,
      Code.InvalidArgument,
    );
  }
}

function protocolError(message: string): ConnectError {
  return new ConnectError(`protocol error: ${message}`, Code.Internal);
}
