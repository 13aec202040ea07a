import type { Address } from "../../channel/mod.ts";
import type { Credentials } from "../../credentials/mod.ts";
import { type ClientConnection, ErrorCode, headerValue } from "../../http2/mod.ts";
import type { IdentityPattern } from "../../identity/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import { dialPeer } from "../../peer/mod.ts";
import { joined } from "../../values/mod.ts";
import { RegistryCredentials } from "../registry_credentials.ts";

/** Where the API server is, and whom to trust there. */
export interface ApiClientOptions {
  readonly endpoint: Address;
  readonly authority: string;
  readonly credentials: Credentials;
  readonly expected: readonly IdentityPattern[];
  /** The token of now; the platform replaces it about once an hour. */
  readonly token: () => Promise<string>;
  readonly clock: Clock;
}

/** What the API server has answered. */
export interface ApiResponse {
  readonly status: number;
  /** The body as it arrives; leaving the loop ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A server that is cut off is noticed by PING. */
const LIMITS = { keepaliveIdleMs: 10_000, keepaliveTimeoutMs: 5_000 } as const;

/** A page of 500 slices of 100 endpoints is below this. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** One connection to a Kubernetes API server: GET requests over HTTP/2, to a server that is proven first. */
export class ApiClient implements AsyncDisposable {
  readonly #options: ApiClientOptions;
  readonly #credentials: RegistryCredentials;
  #connection: ClientConnection | undefined;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#credentials = new RegistryCredentials(options.credentials, options.clock);
  }

  /**
   * Sends one request.
   *
   * @throws {Error} If the server cannot be reached or proven, or does not answer.
   */
  async get(path: string, signal: AbortSignal): Promise<ApiResponse> {
    const token = await this.#options.token();
    const connection = await this.#connected(signal);
    const exchange = new Exchange(signal);
    exchange.begin(connection, [
      ...[":method", "GET", ":scheme", "https", ":authority", this.#options.authority],
      ...[":path", path, "accept", "application/json", "authorization", `Bearer ${token}`],
    ]);
    return { status: await exchange.status, body: exchange };
  }

  /** Reads one whole response as JSON. */
  async json(path: string, signal: AbortSignal): Promise<{ status: number; value: unknown }> {
    const { status, body } = await this.get(path, signal);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BODY_BYTES) throw new Error("the API server's answer is too large");
    }
    const text = new TextDecoder().decode(joined(chunks));
    return { status, value: text.startsWith("{") ? JSON.parse(text) : text.slice(0, 256) };
  }

  /** The server did not answer as it should: the next request dials it anew. */
  leave(): void {
    this.#connection?.abort(ErrorCode.NO_ERROR);
    this.#connection = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.leave();
    await connection?.closed;
    await this.#credentials[Symbol.asyncDispose]();
  }

  async #connected(signal: AbortSignal): Promise<ClientConnection> {
    if (this.#connection?.state === "open") return this.#connection;
    const { endpoint, authority, expected, clock } = this.#options;
    const { connection } = await dialPeer(endpoint, {
      credentials: await this.#credentials.current(),
      expected,
      worker: { address: authority },
      called: "the API server",
      signal,
      clock,
      connection: { limits: LIMITS },
    });
    return this.#connection = connection;
  }
}

/** One request and its response. */
class Exchange implements AsyncIterable<Uint8Array> {
  /** The status, once the header section has arrived. */
  readonly status: Promise<number>;
  readonly #status = Promise.withResolvers<number>();
  readonly #signal: AbortSignal;
  readonly #chunks: Uint8Array[] = [];
  #stream: ReturnType<ClientConnection["open"]> | undefined;
  #end: { readonly error?: Error } | undefined;
  #news: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.status = this.#status.promise;
    this.status.catch(() => {});
    this.#signal = signal;
  }

  begin(connection: ClientConnection, fields: readonly string[]): void {
    const abort = () => this.#stop(this.#signal.reason);
    this.#signal.addEventListener("abort", abort, { once: true });
    this.#stream = connection.open(fields, {
      headers: (fields, endStream) => {
        this.#status.resolve(Number(headerValue(fields, ":status")));
        if (endStream) this.#ended({});
      },
      data: (bytes, endStream) => {
        if (bytes.length > 0) this.#chunks.push(bytes);
        if (endStream) this.#ended({});
        else this.#news?.();
      },
      trailers: () => this.#ended({}),
      closed: ({ how, cause }) => {
        this.#signal.removeEventListener("abort", abort);
        if (how !== "complete") {
          this.#ended({ error: cause ?? new Error("the API server has broken off its answer") });
        } else this.#ended({});
      },
    }, { endStream: true });
    if (this.#signal.aborted) abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#stream?.release(chunk.length);
          yield chunk;
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => this.#news = resolve);
        } else if (this.#end.error === undefined) return;
        else throw this.#end.error;
      }
    } finally {
      this.#stop(new Error("the answer is read no further"));
    }
  }

  #stop(error: Error): void {
    const isOver = this.#end !== undefined;
    this.#ended({ error });
    if (!isOver) this.#stream?.reset(ErrorCode.CANCEL);
  }

  #ended(end: { readonly error?: Error }): void {
    this.#end ??= end;
    this.#status.reject(end.error ?? new Error("the API server has not answered"));
    this.#news?.();
  }
}
