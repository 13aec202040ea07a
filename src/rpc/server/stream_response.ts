import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import type { HeaderList, Stream } from "../../http2/mod.ts";
import { acceptedCompression } from "../wire/compression.ts";
import { COMPRESSED_FLAG, envelopeHead, inEnvelope } from "../wire/envelope.ts";
import { appendFields } from "../wire/header_fields.ts";
import type { ArrivedRequest } from "./plain_call.ts";
import type { ResponseMetadata } from "./response_metadata.ts";

/** The response to a call of Connect with a stream of messages, each in an envelope, and an end. */
export class StreamResponse {
  readonly #request: ArrivedRequest;
  readonly #call: AnsweredCall;
  readonly #stream: Stream;
  readonly #compression: Compression | undefined;
  #state: "new" | "begun" = "new";
  #isBlocked = false;

  /** Sends nothing yet; the metadata of `call` is sent with the first message, and with the end. */
  constructor(request: ArrivedRequest, call: AnsweredCall) {
    this.#request = request;
    this.#call = call;
    this.#stream = request.stream;
    const accepted = request.facts.acceptStreamEncoding;
    this.#compression = accepted === undefined ? undefined : acceptedCompression(accepted);
  }

  /** Whether the next message has to wait until the stream takes more. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** The stream takes more. */
  writable(): void {
    this.#isBlocked = false;
  }

  /**
   * Sends a message; resolves to whether the next may follow at once. `isGivenAway`: nobody else reads any byte of its
   * buffer.
   */
  message(message: Uint8Array, isGivenAway: boolean): boolean | Promise<boolean> {
    const compression = this.#compressionOf(message);
    if (compression === undefined) return this.#send(0, message, false, isGivenAway);
    return compression.compress(message)
      .then((compressed) => this.#send(COMPRESSED_FLAG, compressed, false));
  }

  /** Ends the response, with an error where there is one. */
  async end(error: unknown): Promise<void> {
    const end = this.#endMessage(error);
    const compression = this.#compressionOf(end);
    if (compression === undefined) this.#send(endStreamFlag, end, true);
    else {
      const compressed = await compression.compress(end);
      this.#send(endStreamFlag | COMPRESSED_FLAG, compressed, true);
    }
  }

  #compressionOf(message: Uint8Array): Compression | undefined {
    const large = message.byteLength >= this.#request.limits.compressFromBytes;
    return large ? this.#compression : undefined;
  }

  #endMessage(error: unknown): Uint8Array {
    const trailer = this.#call.metadata?.trailer;
    if (error === undefined && trailer === undefined) return SUCCESS;
    const { json } = this.#request;
    const failure = error === undefined ? undefined : answerable(error);
    return utf8.encode(JSON.stringify(endStreamToJson(trailer ?? new Headers(), failure, json)));
  }

  /** The header section goes with the first message: until then nothing has been promised. */
  #send(flags: number, message: Uint8Array, endStream: boolean, isGivenAway = false): boolean {
    if (this.#state === "new") {
      const section = headerWith(this.#compression, this.#call.metadata?.header);
      this.#state = "begun";
      this.#stream.sendHeaders(section, false);
    }
    const isTaken = this.#write(flags, message, endStream, isGivenAway);
    this.#isBlocked = !isTaken;
    return isTaken;
  }

  #write(flags: number, message: Uint8Array, endStream: boolean, isGivenAway: boolean): boolean {
    const whole = inEnvelope(message, flags);
    if (whole !== undefined) return this.#stream.sendData(whole, endStream);
    const head = envelopeHead(message.byteLength, flags);
    if (message.byteLength === 0) return this.#stream.sendData(head, endStream);
    this.#stream.sendData(head, false);
    return this.#stream.sendData(message, endStream, isGivenAway);
  }
}

/** What is asked of a call for its response. */
interface AnsweredCall {
  readonly metadata: ResponseMetadata | undefined;
}

const HEADER: HeaderList = [":status", "200", "content-type", "application/connect+proto"];

function headerWith(compression: Compression | undefined, own: Headers | undefined): HeaderList {
  if (compression === undefined && own === undefined) return HEADER;
  const section = own === undefined ? [...HEADER] : [":status", "200"];
  if (own !== undefined) appendFields(section, own);
  if (compression !== undefined) section.push("connect-content-encoding", compression.name);
  return section;
}

function answerable(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

const utf8 = new TextEncoder();
const SUCCESS = utf8.encode("{}");
