import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { joined } from "../values/mod.ts";

/** Answers a request of HTTP/1.1 from its head; gives the whole response. */
export type AnswerHead = (head: string) => Uint8Array;

/** How long the head of a request may take to arrive, in milliseconds. */
const HEAD_TIMEOUT_MS = 5_000;
/** The largest head of a request, in bytes. */
const MAX_HEAD_BYTES = 8 * 1024;
/** How long a peer that was answered may leave its own direction open, in milliseconds. */
const LINGER_MS = 1_000;
/** How HTTP/2 begins (RFC 9113 §3.4); no request of HTTP/1.1 does. */
const PREFACE = "PRI * HTTP/2.0\r\n";

/**
 * A channel on which a peer may speak HTTP/2 or make one request of HTTP/1.1: what it sends first
 * decides. What HTTP/2 writes before that is kept back. The one request is answered, and the channel
 * ends; HTTP/2 never hears of it but that its channel has closed.
 */
export class FirstProtocol implements ByteChannel, ByteReceiver {
  readonly #channel: ByteChannel;
  readonly #answer: AnswerHead;
  readonly #clock: Clock;
  #timer: Disposable;
  #receiver: ByteReceiver | undefined;
  #state: "undecided" | "http2" | "http1" | "over" = "undecided";
  /** What has arrived, until it is decided what it is. */
  #head: Uint8Array = new Uint8Array(0);
  #kept: { readonly bytes: Uint8Array; readonly written: () => void }[] = [];

  /** Over a channel that has not been started. */
  constructor(channel: ByteChannel, answer: AnswerHead, clock: Clock) {
    this.#channel = channel;
    this.#answer = answer;
    this.#clock = clock;
    this.#timer = clock.schedule(
      () => {
        if (this.#state === "undecided") this.#channel.destroy();
      },
      HEAD_TIMEOUT_MS,
      { background: true },
    );
  }

  start(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    this.#channel.start(this);
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#state === "http2") this.#channel.write(bytes, written);
    // The buffer is the writer's again only once `written` was called.
    else if (this.#state === "undecided") this.#kept.push({ bytes, written });
  }

  pause(): void {
    if (this.#state === "http2") this.#channel.pause();
  }

  resume(): void {
    if (this.#state === "http2") this.#channel.resume();
  }

  end(): void {
    if (this.#state === "http2") this.#channel.end();
    else this.destroy();
  }

  destroy(): void {
    this.#channel.destroy();
  }

  received(bytes: Uint8Array): boolean {
    if (this.#state === "http2") return this.#receiver?.received(bytes) === true;
    if (this.#state !== "undecided") return true;
    this.#head = joined([this.#head, bytes]);
    const text = latin1.decode(this.#head.subarray(0, MAX_HEAD_BYTES));
    if (PREFACE.startsWith(text.slice(0, PREFACE.length))) {
      if (text.length >= PREFACE.length) this.#goOnAsHttp2();
    } else if (text.includes("\r\n\r\n") || this.#head.length >= MAX_HEAD_BYTES) {
      this.#respond(text);
    }
    return true;
  }

  ended(): void {
    if (this.#state === "http2") this.#receiver?.ended();
    else if (this.#state === "undecided") this.#channel.destroy();
  }

  closed(error: Error | undefined): void {
    this.#timer[Symbol.dispose]();
    this.#state = "over";
    this.#kept = [];
    this.#receiver?.closed(error);
  }

  #goOnAsHttp2(): void {
    this.#timer[Symbol.dispose]();
    this.#state = "http2";
    for (const { bytes, written } of this.#kept.splice(0)) this.#channel.write(bytes, written);
    const head = this.#head;
    this.#head = new Uint8Array(0);
    this.#receiver?.received(head);
  }

  #respond(head: string): void {
    this.#state = "http1";
    this.#kept = [];
    this.#channel.write(this.#answer(head), () => {});
    this.#channel.end();
    this.#timer[Symbol.dispose]();
    const giveUp = () => this.#channel.destroy();
    this.#timer = this.#clock.schedule(giveUp, LINGER_MS, { background: true });
  }
}

const latin1 = new TextDecoder("latin1");
