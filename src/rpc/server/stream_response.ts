import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import type { HeaderList, Stream } from "../../http2/mod.ts";
import { acceptedCompression } from "../wire/compression.ts";
import { COMPRESSED_FLAG, envelopeHead, inEnvelope } from "../wire/envelope.ts";
import { appendFields } from "../wire/header_fields.ts";
import type { ArrivedRequest } from "./plain_call.ts";
import type { ResponseMetadata } from "./response_metadata.ts";

/** The response to a call with a stream of messages, each in an envelope, and an end. */
export abstract class StreamResponse {
  protected readonly request: ArrivedRequest;
  protected readonly call: AnsweredCall;
  protected readonly stream: Stream;
  readonly #form: ResponseForm;
  readonly #compression: Compression | undefined;
  #state: "new" | "begun" = "new";
  #isBlocked = false;
  /** Settles once the message that is being compressed is sent. */
  #compressing: Promise<boolean> | undefined;

  /**
   * Sends nothing yet; the metadata of `call` is sent with the first message, and with the end.
   *
   * @param accepted the compressions that the caller takes.
   */
  constructor(
    request: ArrivedRequest,
    call: AnsweredCall,
    form: ResponseForm,
    accepted: string | undefined,
  ) {
    this.request = request;
    this.call = call;
    this.stream = request.stream;
    this.#form = form;
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
    return this.#compressing = compression.compress(message)
      .then((compressed) => this.#send(COMPRESSED_FLAG, compressed, false));
  }

  /** Ends the response, with an error where there is one, behind the messages before. */
  async end(error: unknown): Promise<void> {
    try {
      await this.#compressing;
    } catch (failure) {
      error ??= failure;
    }
    await this.sendEnd(error);
  }

  protected abstract sendEnd(error: unknown): void | Promise<void>;

  /** What ends it that was thrown. */
  protected failureOf(error: unknown): ConnectError {
    if (error instanceof ConnectError) return error;
    return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  }

  /** Sends a last message; resolves once it is with the stream. */
  protected async sendLast(flags: number, message: Uint8Array): Promise<void> {
    const compression = this.#compressionOf(message);
    if (compression === undefined) this.#send(flags, message, true);
    else this.#send(flags | COMPRESSED_FLAG, await compression.compress(message), true);
  }

  /** The header section goes with the first message: until then nothing has been promised. */
  protected sendHeader(): void {
    if (this.#state !== "new") return;
    const section = this.#header();
    this.#state = "begun";
    this.stream.sendHeaders(section, false);
  }

  #header(): HeaderList {
    const own = this.call.metadata?.header;
    const { ordinary, encodingField } = this.#form;
    if (this.#compression === undefined && own === undefined) return ordinary;
    const section = own === undefined ? [...ordinary] : [":status", "200"];
    if (own !== undefined) appendFields(section, own);
    if (this.#compression !== undefined) section.push(encodingField, this.#compression.name);
    return section;
  }

  #compressionOf(message: Uint8Array): Compression | undefined {
    const large = message.byteLength >= this.request.limits.compressFromBytes;
    return large ? this.#compression : undefined;
  }

  #send(flags: number, message: Uint8Array, endStream: boolean, isGivenAway = false): boolean {
    this.sendHeader();
    const isTaken = this.#write(flags, message, endStream, isGivenAway);
    this.#isBlocked = !isTaken;
    return isTaken;
  }

  #write(flags: number, message: Uint8Array, endStream: boolean, isGivenAway: boolean): boolean {
    const whole = inEnvelope(message, flags);
    if (whole !== undefined) return this.stream.sendData(whole, endStream);
    const head = envelopeHead(message.byteLength, flags);
    if (message.byteLength === 0) return this.stream.sendData(head, endStream);
    this.stream.sendData(head, false);
    return this.stream.sendData(message, endStream, isGivenAway);
  }
}

/** What is asked of a call for its response. */
export interface AnsweredCall {
  readonly metadata: ResponseMetadata | undefined;
}

/** What the responses of a protocol have in common. */
export interface ResponseForm {
  /** The header section without compression and metadata. */
  readonly ordinary: HeaderList;
  /** The field that names the compression of messages. */
  readonly encodingField: string;
}
