import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../../rpc/mod.ts";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../../contract/mod.ts";
import { DeadlineExceeded } from "../../errors/mod.ts";
import type { SelvageEvent } from "../../observe/mod.ts";
import {
  type Ambient,
  type CallContext,
  type CallEnvelope,
  type CallPeer,
  NO_AMBIENT,
} from "../../routine/mod.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";

/** A call as it reached the worker. */
export interface ArrivedCall {
  readonly peer: CallPeer;
  /** What it was admitted with. */
  readonly admitted: Pick<AdmittedCall, "claims" | "session">;
  /** Aborts when the caller is gone or the deadline passes. Costs where it is asked for. */
  readonly signal: AbortSignal;
  /** The time the caller gave it, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** When that time is over, by `performance.now()`. */
  readonly deadline: number | undefined;
}

/** What the calls of one worker share. */
export interface CallGround {
  readonly workerId: string;
  /** The dispatcher that routines call others with. */
  readonly dispatcher: () => Caller<Transport, SelvageEvent, TransportChoices>;
  /** An id for a call whose caller chose none. */
  readonly nextId: () => string;
}

/** The call that a routine serves; what costs is made when it is first asked for. */
export class ServedCall implements CallContext {
  readonly id: string;
  declare readonly parentId?: string;
  declare readonly deadline?: number;
  declare readonly claims?: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly ambient: Ambient;
  #arrived: ArrivedCall;
  readonly #ground: CallGround;
  #signal: AbortSignal | undefined;
  /** Aborts when the caller's token ends; only where it does, and the signal is used. */
  #expiry: AbortController | undefined;

  /** A call that arrived, and what its message says of it. */
  constructor(
    arrived: ArrivedCall,
    envelope: Pick<CallEnvelope, "callId" | "parentId" | "tags" | "ambient">,
    ground: CallGround,
  ) {
    this.#arrived = arrived;
    this.#ground = ground;
    this.id = envelope.callId === "" ? ground.nextId() : envelope.callId;
    this.tags = envelope.tags;
    this.ambient = envelope.ambient ?? NO_AMBIENT;
    const { claims } = arrived.admitted;
    if (claims !== undefined) this.claims = claims;
    if (envelope.parentId !== "") this.parentId = envelope.parentId;
    if (arrived.deadline !== undefined) {
      this.deadline = Math.floor(performance.timeOrigin + arrived.deadline);
    }
  }

  get workerId(): string {
    return this.#ground.workerId;
  }

  get peer(): CallPeer {
    return this.#arrived.peer;
  }

  /** Aborts when the caller cancels or is gone, and when the call's time runs out, or its token. */
  get signal(): AbortSignal {
    return this.#signal ??= this.#makeSignal();
  }

  /**
   * The call is over: lets its stream and message go, though code that the routine left running may still ask
   * who called. Where the store that `currentCall()` reads is an `AsyncLocalStorage`, its values outlive a minor
   * collection although nothing refers to them: with all that belongs to a call, a tenth of what a busy worker
   * allocates was promoted, and collecting it took a fifth of its time.
   */
  over(): void {
    this.#arrived = new EndedCall(this.#arrived);
  }

  /** The caller's token has ended while the call ran. */
  expire(error: Error): void {
    this.#expiry?.abort(error);
  }

  #makeSignal(): AbortSignal {
    const signal = inOurWords(this.#arrived);
    if (this.#arrived.admitted.session === undefined) return signal;
    this.#expiry = new AbortController();
    return AbortSignal.any([signal, this.#expiry.signal]);
  }

  /** For calls to other workers; they name this call as their parent. */
  get dispatcher(): Caller<Transport, SelvageEvent, TransportChoices> {
    return this.#ground.dispatcher();
  }
}

const ENDED = AbortSignal.abort();
const NOTHING: ArrivedCall["admitted"] = {};

/** What remains of a call that is over: nothing that was made for it. */
class EndedCall implements ArrivedCall {
  readonly peer: CallPeer;
  readonly timeoutMs: number | undefined;
  readonly deadline: number | undefined;

  constructor({ peer, timeoutMs, deadline }: ArrivedCall) {
    this.peer = peer;
    this.timeoutMs = timeoutMs;
    this.deadline = deadline;
  }

  /** Where a policy decided about the call, that would be its stream and message. */
  get admitted(): ArrivedCall["admitted"] {
    return NOTHING;
  }

  get signal(): AbortSignal {
    return ENDED;
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
