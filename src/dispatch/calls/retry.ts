import { ConnectError } from "@connectrpc/connect";
import {
  escapePeerText,
  InvalidPayload,
  Overloaded,
  UnknownRoutine,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import type { HeaderListTooLarge } from "../../http2/mod.ts";
import type { RetryCause } from "../../observe/mod.ts";
import { failureInDetails, fromConnectError } from "../../routine/mod.ts";
import { adviceOnOurs, type PeerRefused, readRefusal } from "../../peer/mod.ts";
import {
  brokenOff,
  connectionLost,
  distrustedByUs,
  headersTooLarge,
  notBegun,
  peerAccused,
  peerLeft,
  peerSilent,
} from "../../rpc/mod.ts";
import type { PlacedCall } from "./placed_call.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Link } from "../endpoint/link.ts";

/** What is to be done after a call failed on a worker. */
export type Failure =
  /** The error is thrown to the caller. */
  | { readonly final: true; readonly error: unknown }
  /** Another attempt is safe: the call has not begun there, or may begin twice. */
  | {
    readonly final: false;
    readonly error: Error;
    readonly cause: RetryCause;
    /** Whether the same worker may be asked again, over another connection. */
    readonly sameWorker: boolean;
  };

/** Judges a failure by the rule that a call begins at most once, unless it is idempotent. */
export function judgeFailure(
  thrown: unknown,
  call: PlacedCall,
  endpoint: Endpoint,
  link: Link,
): Failure {
  const large = headersTooLarge(thrown);
  if (large !== undefined) return { final: true, error: headersNotTaken(large, thrown) };
  if (notBegun(thrown)) return notBegunThere(thrown, endpoint, link);
  if (connectionLost(thrown)) {
    const error = unavailable(howLost(thrown, link), endpoint, false, thrown);
    if (!call.idempotent) return { final: true, error };
    return { final: false, error, cause: "connection-lost", sameWorker: true };
  }
  if (!(thrown instanceof ConnectError)) return { final: true, error: thrown };
  if (brokenOff(thrown) && call.ofService !== true) {
    // Not an answer of the routine's, whatever its code; nor is it known that there was none to come.
    return { final: true, error: unavailable("the call was broken off", endpoint, false, thrown) };
  }
  // A code alone proves nothing: only the error that the worker itself sent does.
  const reported = named(failureInDetails(thrown), endpoint);
  const cause = reported === undefined ? undefined : refusalCause(reported);
  if (reported !== undefined && cause !== undefined) {
    return { final: false, error: reported, cause, sameWorker: false };
  }
  if (reported === undefined && call.ofService) return { final: true, error: thrown };
  const worker = endpoint.ref;
  const { routine, timeoutMs } = call;
  return { final: true, error: fromConnectError(thrown, { routine, worker, timeoutMs }) };
}

/** A worker that says of itself that it is unavailable does not know how it was reached. */
function named(reported: Error | undefined, { ref }: Endpoint): Error | undefined {
  if (!(reported instanceof WorkerUnavailable) || reported.worker.address !== "") return reported;
  const { message, worker, notBegun, cause } = reported;
  return new WorkerUnavailable(message, {
    worker: { ...worker, address: ref.address },
    notBegun,
    cause,
  });
}

function notBegunThere(thrown: unknown, endpoint: Endpoint, link: Link): Failure {
  const open = link.connection.state === "open";
  const what = open ? "it refused the stream" : "the connection takes no more calls";
  return {
    final: false,
    error: unavailable(what, endpoint, true, thrown),
    cause: open ? "refused-stream" : "goaway",
    sameWorker: !open,
  };
}

function headersNotTaken({ bytes, mostBytes }: HeaderListTooLarge, cause: unknown): InvalidPayload {
  const message =
    `the header fields of the call, with its headers, take ${bytes} bytes, and the worker takes ` +
    `header lists of at most ${mostBytes} bytes`;
  return new InvalidPayload(message, { cause });
}

function howLost(thrown: unknown, { distrustedFor }: Link): string {
  if (peerLeft(thrown)) return LEFT;
  if (distrustedByUs(thrown)) return DISTRUSTED + becauseOf(distrustedFor);
  const accused = peerAccused(thrown);
  const refusal = accused && readRefusal(accused.code, accused.debugData);
  if (refusal !== undefined) {
    return `it cut the call off, as it accepts our certificate no longer: ${refusal}; ` +
      adviceOnOurs(refusal, undefined);
  }
  return "the connection was lost during the call" + (peerSilent(thrown) ? SILENT : "");
}

/** Why we end the calls at a worker ourselves. */
const DISTRUSTED =
  "we cut the call off after distrustGraceMs, as we accept its certificate no longer";

function becauseOf(refused: PeerRefused | undefined): string {
  if (refused === undefined) return "";
  const { reason, evidence: { found, advice } } = refused;
  const sentences = [found, advice].filter((sentence) => sentence !== undefined)
    .map((sentence) => escapePeerText(sentence, MAX_SENTENCE));
  return `: ${[reason, ...sentences].join("; ")}`;
}

/** The longest sentence of what was found, in characters. */
const MAX_SENTENCE = 1_024;

/** What is known of a worker that has sent GOAWAY, and then did not wait for the call. */
const LEFT =
  "it cut the call off, after it had asked its callers to leave: it has stopped, as the call went on " +
  "beyond its drain grace (drainGraceMs), or was itself ended before that";

/** What is known of a worker that has left a PING unanswered. */
const SILENT =
  ": it answered no PING, so it is gone or cut off, or a routine blocks its event loop " +
  '(one that computes for long belongs in a thread: run: "thread")';

/** Why a worker that answered did not begin the call, where that is so. */
function refusalCause(error: Error): RetryCause | undefined {
  if (error instanceof Overloaded) return "overloaded";
  if (error instanceof UnknownRoutine) return "routine-unknown";
  if (error instanceof WorkerUnavailable && error.notBegun) return "goaway";
  return undefined;
}

function unavailable(
  what: string,
  { ref }: Endpoint,
  notBegun: boolean,
  cause: unknown,
): WorkerUnavailable {
  return new WorkerUnavailable(`worker ${ref.address} is unavailable: ${what}`, {
    worker: ref,
    notBegun,
    cause,
  });
}
