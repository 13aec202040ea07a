import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFlag, endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import { type HeaderList, headerValue } from "../../http2/mod.ts";
import { ArrivingMessages } from "../wire/arriving_messages.ts";
import { invalidFields, notDecompressible } from "../wire/call_errors.ts";
import { COMPRESSED_FLAG } from "../wire/envelope.ts";
import { areValid, headersOf } from "../wire/header_fields.ts";
import { messageOf } from "../../values/mod.ts";

/** Whether a response is a stream of Connect in binary form and nothing about it is out of the ordinary. */
export function isOrdinaryStream(header: HeaderList): boolean {
  const known = ordinarySections.get(header);
  if (known !== undefined) return known;
  const encoding = headerValue(header, "connect-content-encoding");
  const ordinary = headerValue(header, ":status") === "200" &&
    headerValue(header, "content-type") === "application/connect+proto" &&
    (encoding === undefined || encoding === "identity") && areValid(header);
  ordinarySections.set(header, ordinary);
  return ordinary;
}

/** Peers send few different sections, and the HTTP/2 layer gives equal ones the same list. */
const ordinarySections = new WeakMap<HeaderList, boolean>();

/**
 * The messages of an ordinary response, and its end. What is wrong with it is worded as on the plain
 * path.
 */
export class ResponseMessages {
  readonly #header: HeaderList;
  readonly #messages: ArrivingMessages;
  #trailer: Headers | undefined;
  #state: "open" | "ended" = "open";

  /**
   * @param maxBytes the largest message.
   * @param release gives the peer credit for that many bytes.
   */
  constructor(header: HeaderList, maxBytes: number, release: (count: number) => void) {
    this.#header = header;
    this.#messages = new ArrivingMessages(maxBytes, release);
  }

  /** The header section. */
  get header(): Headers {
    const header = headersOf(this.#header);
    if (header === undefined) throw invalidFields();
    return header;
  }

  /** The metadata of the end, once that was read. */
  get trailer(): Headers {
    return this.#trailer ??= new Headers();
  }

  /** Bytes of the body arrived, which may be kept. */
  push(bytes: Uint8Array): void {
    this.#messages.push(bytes);
  }

  /** Bytes of the body arrived, which are only lent for the call. */
  lend(bytes: Uint8Array): void {
    this.#messages.lend(bytes);
  }

  /**
   * The next message; `undefined` where more of the body is needed for it.
   *
   * @throws {ConnectError} the error that the response ends with, or what is wrong with it.
   */
  next(): Uint8Array | undefined {
    for (;;) {
      const message = this.#messages.next();
      if (message === undefined) return undefined;
      const { flags } = this.#messages;
      if ((flags & COMPRESSED_FLAG) !== 0) throw notDecompressible();
      if ((flags & endStreamFlag) !== 0) this.#end(message);
      else if (this.#state === "open") return message;
      else throw invalid("received extra message after EndStreamResponse");
    }
  }

  /** The next message where it arrived with the one that was read, is small, and nothing is to be said of it. */
  nextSmall(): Uint8Array | undefined {
    return this.#state === "open" ? this.#messages.nextSmall() : undefined;
  }

  /**
   * The body is complete, and all of it was read.
   *
   * @throws {ConnectError} where the response is not.
   */
  judgeEnd(): void {
    if (this.#messages.isTorn) throw incomplete("incomplete envelope");
    if (this.#state === "open") throw incomplete("the response has no end");
  }

  /** Forgets what has been received, and gives the peer credit for it. */
  drop(): void {
    this.#messages.drop();
  }

  #end(message: Uint8Array): void {
    const end = isBareEnd(message) ? undefined : readEnd(message);
    if (this.#state === "ended") throw invalid("received extra EndStreamResponse");
    this.#state = "ended";
    if (end === undefined) return;
    const { error, metadata } = end;
    if (error === undefined) {
      for (const [name, value] of metadata) this.trailer.set(name, value);
      return;
    }
    for (const [name, value] of this.header) error.metadata.append(name, value);
    throw error;
  }
}

/** Whether it is `{}`: connect-es makes an error, stack and all, before it reads an end. */
function isBareEnd(message: Uint8Array): boolean {
  return message.byteLength === 2 && message[0] === 0x7b && message[1] === 0x7d;
}

function readEnd(message: Uint8Array): ReturnType<typeof endStreamFromJson> {
  try {
    return endStreamFromJson(message);
  } catch (error) {
    const reason = messageOf(error);
    throw new ConnectError(`failed to parse EndStreamResponse: ${reason}`, Code.InvalidArgument);
  }
}

function invalid(what: string): ConnectError {
  return new ConnectError(`protocol error: ${what}`, Code.InvalidArgument);
}

function incomplete(what: string): ConnectError {
  return new ConnectError(`protocol error: ${what}`, Code.Internal);
}
