/**
 * Fast path: what each call of a routine makes is of classes, not of object literals. V8 counts for each literal how
 * many of its objects survive a collection of young ones; where more than 85 % do, as with hundreds of calls in flight
 * while the heap is small, it makes them old from then on, and they keep what they refer to. At 512 callers
 * 703 bytes of a call were promoted; now that V8, which does not count for classes, leaves them young, it is 69, of
 * which 63 are the program's own argument list.
 * See `docs/performance-changes.md`, "Calls".
 */
import type { HeaderList } from "../../http2/mod.ts";
import type { CallFacts, CallRecord } from "../../observe/mod.ts";
import type { Ambient, CallEnvelope, EncodedPayload } from "../../routine/mod.ts";
import type { RequestFields } from "./call_settings.ts";
import type { RoutineCall } from "./placed_call.ts";

/** What a call consists of before it is brought to a worker. */
export class BegunCall {
  readonly call: RoutineCall;
  readonly envelope: CallEnvelope;
  readonly record: CallRecord;
  readonly fields: RequestFields | undefined;

  /** With what its request carries besides; `undefined` is nothing. */
  constructor(
    call: RoutineCall,
    envelope: CallEnvelope,
    record: CallRecord,
    fields: RequestFields | undefined,
  ) {
    this.call = call;
    this.envelope = envelope;
    this.record = record;
    this.fields = fields;
  }
}

/** The call as it travels. */
export class Envelope implements CallEnvelope {
  readonly routine: string;
  readonly arguments: EncodedPayload;
  readonly callId: string;
  readonly parentId: string;
  readonly ahead: number;
  readonly tags: readonly string[];
  declare readonly ambient?: Ambient;

  /** Of a call; the values are those of {@linkcode CallEnvelope}. */
  constructor(
    { routine, callId }: RoutineCall,
    encoded: EncodedPayload,
    parentId: string,
    ahead: number,
    tags: readonly string[],
    ambient: Ambient | undefined,
  ) {
    this.routine = routine;
    this.arguments = encoded;
    this.callId = callId;
    this.parentId = parentId;
    this.ahead = ahead;
    this.tags = tags;
    if (ambient !== undefined) this.ambient = ambient;
  }
}

/** What is recorded of it. */
export class RoutineFacts implements CallFacts {
  readonly kind = "routine";
  readonly routine: string;
  readonly id: string;

  /** Of a call. */
  constructor({ routine, callId }: RoutineCall) {
    this.routine = routine;
    this.id = callId;
  }
}

/** What one attempt's request is sent with. */
export class AttemptOptions {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly fields: HeaderList | undefined;
  readonly now: number | undefined;

  /** With header fields beyond those that every request has, and the time where it was just read. */
  constructor(
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
    fields: HeaderList | undefined,
    now: number | undefined,
  ) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.fields = fields;
    this.now = now;
  }
}
