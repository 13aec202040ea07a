import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../rpc/mod.ts";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../contract/mod.ts";
import { DeadlineExceeded } from "../errors/mod.ts";
import type { SelvageEvent } from "../observe/mod.ts";
import type { CallContext, CallEnvelope, CallPeer } from "../routine/mod.ts";

/** A call as it reached the worker. */
export interface ArrivedCall {
  /** Who calls. */
  readonly peer: CallPeer;
  /** Aborts when the caller is gone or the deadline passes. Costs where it is asked for. */
  readonly signal: AbortSignal;
  /** The time the caller gave it, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** When that time is over, by `performance.now()`. */
  readonly deadline: number | undefined;
}

/** What the calls of one worker share. */
export interface CallGround {
  /** The dispatcher that routines call others with. */
  readonly dispatcher: () => Caller<Transport, SelvageEvent, TransportChoices>;
  /** An id for a call whose caller chose none. */
  readonly nextId: () => string;
}

/** The call that a routine serves; what costs is made when it is first asked for. */
export class ServedCall implements CallContext {
  /** The call's id. */
  readonly id: string;
  /** The id of the call from within which this one was made. */
  declare readonly parentId?: string;
  /** When the call's time runs out, in milliseconds since the epoch. */
  declare readonly deadline?: number;
  /** The tags that the caller asked of a worker. */
  readonly tags: readonly string[];
  readonly #arrived: ArrivedCall;
  readonly #ground: CallGround;
  #signal: AbortSignal | undefined;

  /** A call that arrived, and what its message says of it. */
  constructor(
    arrived: ArrivedCall,
    envelope: Pick<CallEnvelope, "callId" | "parentId" | "tags">,
    ground: CallGround,
  ) {
    this.#arrived = arrived;
    this.#ground = ground;
    this.id = envelope.callId === "" ? ground.nextId() : envelope.callId;
    this.tags = envelope.tags;
    if (envelope.parentId !== "") this.parentId = envelope.parentId;
    if (arrived.deadline !== undefined) {
      this.deadline = Math.floor(performance.timeOrigin + arrived.deadline);
    }
  }

  /** Who calls. */
  get peer(): CallPeer {
    return this.#arrived.peer;
  }

  /** Aborts when the caller cancels or is gone, and when the call's time runs out. */
  get signal(): AbortSignal {
    return this.#signal ??= inOurWords(this.#arrived);
  }

  /** For calls to other workers; they name this call as their parent. */
  get dispatcher(): Caller<Transport, SelvageEvent, TransportChoices> {
    return this.#ground.dispatcher();
  }
}

/** A ready-made reason: one that is made at every `abort()` costs ten times as much. */
const CANCELLED = new DOMException("the caller cancelled the call, or is gone", "AbortError");

/**
 * A caller cancels when its own time is up, which is a little earlier than ours: it began to count when it
 * sent the call. So much before the deadline a cancellation is taken for the deadline, in milliseconds.
 */
const AT_DEADLINE_MS = 25;

/** The signal with reasons that a routine's author knows. */
function inOurWords({ signal, timeoutMs, deadline = Infinity }: ArrivedCall): AbortSignal {
  const ours = new AbortController();
  const abort = () => {
    const late = ConnectError.from(signal.reason).code === Code.DeadlineExceeded ||
      performance.now() >= deadline - AT_DEADLINE_MS;
    ours.abort(late ? new DeadlineExceeded(timeoutMs ?? 0) : CANCELLED);
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return ours.signal;
}
