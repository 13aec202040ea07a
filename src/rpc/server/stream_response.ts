import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import type { HeaderList, Stream } from "../../http2/mod.ts";
import { acceptedCompression } from "../wire/compression.ts";
import { COMPRESSED_FLAG, envelopeHead, inEnvelope } from "../wire/envelope.ts";
import type { ArrivedRequest } from "./plain_call.ts";

/** The response to a call of Connect with a stream of messages, each in an envelope, and an end. */
export class StreamResponse {
  readonly #request: ArrivedRequest;
  readonly #stream: Stream;
  readonly #compression: Compression | undefined;
  #state: "new" | "begun" = "new";
  #isBlocked = false;

  /** Sends nothing yet. */
  constructor(request: ArrivedRequest) {
    this.#request = request;
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
    if (error === undefined) return SUCCESS;
    const { json } = this.#request;
    return utf8.encode(JSON.stringify(endStreamToJson(new Headers(), answerable(error), json)));
  }

  /** The header section goes with the first message: until then nothing has been promised. */
  #send(flags: number, message: Uint8Array, endStream: boolean, isGivenAway = false): boolean {
    if (this.#state === "new") {
      this.#state = "begun";
      this.#stream.sendHeaders(headerWith(this.#compression), false);
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

const HEADER: HeaderList = [":status", "200", "content-type", "application/connect+proto"];

function headerWith(compression: Compression | undefined): HeaderList {
  if (compression === undefined) return HEADER;
  return [
    ":status",
    "200",
    "connect-content-encoding",
    compression.name,
    "content-type",
    "application/connect+proto",
  ];
}

function answerable(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

const utf8 = new TextEncoder();
const SUCCESS = utf8.encode("{}");
