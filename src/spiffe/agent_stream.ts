import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { dialChannel, formatAddress, type UnixAddress } from "../channel/mod.ts";
import { SpiffeWorkloadAPI } from "../gen/spiffe/mod.ts";
import { type ClientConnection, ErrorCode, openClientConnection } from "../http2/mod.ts";
import { type Backoff, backoffMs, type Clock, pause } from "../observe/mod.ts";
import { createTransport } from "../rpc/mod.ts";
import { messageOf } from "../values/mod.ts";

/** The waits before an agent is asked again: it is local and cheap to ask, and certificates may live for seconds. */
const AGENT_BACKOFF: Backoff = { shortestMs: 200, longestMs: 5_000 };

/** What every request must carry, so that no other program can be talked into making it (Workload Endpoint §3). */
const SECURITY_HEADER = { "workload.spiffe.io": "true" };

/** The largest response, in bytes: what gRPC receives by default, so that no agent sends more. */
const RESPONSE_BYTES = 4 * 1024 * 1024;

/** The agent is on this machine. */
const CONNECT_TIMEOUT_MS = 5000;

/** An agent owes its first response without delay (Workload API §4.3), and may have to ask others who we are. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Agents built on grpc-go hang up on clients that ping a silent connection more often than every 5 minutes. */
const KEEPALIVE_MS = 6 * 60_000;

/** What a stream is followed with. */
export interface AgentStreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** The time. */
  readonly clock: Clock;
}

/** What a request to the agent is made with. */
export interface AgentRequest {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes one request, and gives its responses. */
export type AskAgent<Response> = (
  agent: Client<typeof SpiffeWorkloadAPI>,
  request: AgentRequest,
) => AsyncIterable<Response>;

/**
 * Asks an agent on a connection of its own, which ends with the responses.
 *
 * @throws {ConnectError} where the agent refuses, or is lost.
 * @throws {Error} where nobody listens there, or nobody answers.
 */
export async function* agentStream<Response>(
  endpoint: UnixAddress,
  { signal, clock }: AgentStreamOptions,
  ask: AskAgent<Response>,
): AsyncGenerator<Response, void> {
  const connection = await connect(endpoint, signal, clock);
  try {
    using answer = patience(clock, ANSWER_TIMEOUT_MS);
    const responses = ask(createClient(SpiffeWorkloadAPI, transportOn(connection)), {
      signal: AbortSignal.any([signal, answer.signal]),
      headers: SECURITY_HEADER,
    });
    try {
      for await (const response of responses) {
        answer[Symbol.dispose]();
        yield response;
      }
    } catch (error) {
      throw await agentError(error, connection, answer.signal.aborted);
    }
  } finally {
    connection.abort(ErrorCode.NO_ERROR);
    await connection.closed;
  }
}

/** What becomes of the responses of an agent whose streams are followed. */
export interface AgentFollower<Response> {
  readonly ask: AskAgent<Response>;
  /** Takes a response. Returns whether it is of use: waits for the agent begin anew then. */
  readonly take: (response: Response) => boolean;
  /** A stream has ended; why, and the error that ended it, if any. */
  readonly lost: (why: string, error: unknown) => void;
  /** Whether the process may end while the agent is waited for. Default: yes. */
  readonly background?: () => boolean;
}

/** Follows one stream of an agent after another, until it is to end; never rejects. */
export async function followAgent<Response>(
  endpoint: UnixAddress,
  options: AgentStreamOptions,
  { ask, take, lost, background }: AgentFollower<Response>,
): Promise<void> {
  const { signal, clock } = options;
  let failures = 0;
  while (!signal.aborted) {
    let error: unknown;
    try {
      for await (const response of agentStream(endpoint, options, ask)) {
        if (take(response)) failures = 0;
      }
    } catch (thrown) {
      error = thrown;
    }
    if (signal.aborted) return;
    lost(error === undefined ? "it ended the stream" : messageOf(error), error);
    const delayMs = backoffMs(failures++, AGENT_BACKOFF);
    await pause(clock, delayMs, signal, { background: background?.() ?? true });
  }
}

/** The error, or what lies behind it. */
async function agentError(
  error: unknown,
  connection: ClientConnection,
  silent: boolean,
): Promise<unknown> {
  if (silent) return new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`, { cause: error });
  if (connection.state !== "closed") return error;
  const end = await connection.closed;
  if (end.how !== "violated") return error;
  return new Error(`it does not speak HTTP/2: ${end.error?.message}`, { cause: end.error });
}

async function connect(
  endpoint: UnixAddress,
  aborted: AbortSignal,
  clock: Clock,
): Promise<ClientConnection> {
  using timeout = patience(clock, CONNECT_TIMEOUT_MS);
  const outcome = await dialChannel(endpoint, { signal: { aborted, timeout: timeout.signal } });
  if (!outcome.ok) {
    const why = outcome.code ?? (outcome.timedOut ? "time ran out" : "unknown");
    throw new Error(`no connection to ${formatAddress(endpoint)} (${why})`, {
      cause: outcome.cause,
    });
  }
  return openClientConnection(outcome.channel, { limits: { keepaliveIdleMs: KEEPALIVE_MS } });
}

function transportOn(connection: ClientConnection): Transport {
  return createTransport({
    connection,
    protocol: "grpc",
    scheme: "http",
    authority: "localhost",
    // Nothing is gained by compressing on one machine, and nothing can swell.
    acceptCompression: [],
    limits: { messageBytes: RESPONSE_BYTES },
  });
}

/** Aborts its signal after that time, unless disposed of before. */
interface Patience extends Disposable {
  readonly signal: AbortSignal;
}

function patience(clock: Clock, ms: number): Patience {
  const end = new AbortController();
  const timer = clock.schedule(() => end.abort(), ms, { background: true });
  return { signal: end.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
