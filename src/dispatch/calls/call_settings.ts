import type { AnyRoutine, CallOptions } from "../../contract/mod.ts";
import { insistOnKind, unusable } from "../../errors/mod.ts";
import type { HeaderList } from "../../http2/mod.ts";
import type { CallSpan, PeerRef } from "../../observe/mod.ts";
import { payloadDigest } from "../../policy/mod.ts";
import {
  type Ambient,
  enclosingCall,
  type EncodedPayload,
  withAmbient,
} from "../../routine/mod.ts";
import { CallBounds, RoutineCall } from "./placed_call.ts";
import type { Link } from "../endpoint/link.ts";
import { headerFields, TokenFields } from "./request_fields.ts";
import { type CallSigner, KeptToken, type TokenSource } from "./token_source.ts";

/** How calls are made that do not say otherwise. */
export interface CallDefaults {
  /** How long a unary call may take, in milliseconds; 0 is no limit. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Headers to send along. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How many items of a stream may be under way unread. Default 256. */
  readonly ahead?: number | undefined;
}

/** What else a dispatcher's calls go by. */
export interface CallSettingsOptions {
  /** What they take over from the call they are made from within. Default: nothing. */
  readonly inherits?: Inheritance | undefined;
  /** Called once, with the first worker that ignores the token it is shown. Default: nobody. */
  readonly onTokenIgnored?: ((worker: PeerRef) => void) | undefined;
}

/** What every call of a dispatcher shares. */
export class CallSettings {
  /** How long a unary call may take, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** How many items of a stream may be under way unread. */
  readonly ahead: number;
  readonly #token: string | KeptToken | CallSigner | undefined;
  readonly #fields: HeaderList;
  readonly #idPrefix: string;
  readonly #tokens = new TokenFields();
  readonly #onTokenIgnored: (worker: PeerRef) => void;
  #tokenIgnored = false;
  /** What calls take over from the call they are made from within. */
  readonly #inherits: Inheritance;
  #calls = 0;

  /**
   * Checks the defaults.
   *
   * @param onTokenIgnored Receives the first worker that a token is sent to although it verifies none.
   * @throws {ConfigurationError} If one cannot be used.
   */
  constructor(
    defaults: CallDefaults,
    token: TokenSource | undefined,
    dispatcherId: string,
    { inherits = "nothing", onTokenIgnored = () => {} }: CallSettingsOptions = {},
  ) {
    this.#inherits = inherits;
    this.#onTokenIgnored = onTokenIgnored;
    this.timeoutMs = checkedTimeout(defaults.timeoutMs ?? 30_000);
    this.ahead = checkedAhead(defaults.ahead ?? DEFAULT_AHEAD);
    this.#fields = headerFields(defaults.headers ?? {});
    const isToken = ["undefined", "string", "function"].includes(typeof token) ||
      typeof (token as CallSigner | null)?.sign === "function";
    insistOnKind("token", token, isToken, "a text, a function that gives one, or signNonce(...)");
    this.#token = typeof token === "function" ? new KeptToken(token) : token;
    this.#idPrefix = `${dispatcherId.slice(0, 8)}-`;
  }

  /** A call of a routine that is to be brought to a worker, and begins at `now` by `performance.now()`. */
  placed(routine: AnyRoutine, options: CallOptions, defaultMs: number, now: number): RoutineCall {
    const { signal, affinity, tags, timeoutMs = defaultMs } = options;
    const { version } = declared(routine).options;
    if (tags !== undefined) insistOnKind("tags", tags, Array.isArray(tags), "a list of texts");
    checkedTimeout(timeoutMs);
    return new RoutineCall(
      routine.name,
      this.#idPrefix + (++this.#calls).toString(36),
      version === undefined ? options : { affinity, tags, version },
      routine.options.idempotent === true,
      this.bounds(signal, timeoutMs, now),
    );
  }

  /** What ends a call: its own signal and time, and those of the call it is made from within. */
  bounds(
    signal: AbortSignal | undefined,
    timeoutMs: number,
    now: number = performance.now(),
  ): CallBounds {
    const within = this.#inherits === "nothing" ? undefined : enclosingCall();
    const limitMs = timeoutMs <= 0 ? Infinity : timeoutMs;
    // A deadline that has passed is noticed by the signal, and here leaves one millisecond.
    const leftMs = within?.deadline === undefined
      ? Infinity
      : Math.max(1, within.deadline - performance.timeOrigin - now);
    const ownMs = Math.min(limitMs, leftMs);
    return new CallBounds(
      within === undefined ? signal : eitherSignal(signal, within.signal),
      ownMs === Infinity ? undefined : ownMs === limitMs ? ownMs : Math.ceil(ownMs),
      ownMs === Infinity ? undefined : now + ownMs,
    );
  }

  /** The ambient values that a call carries; `undefined` where it carries none. */
  ambientOf({ ambient }: CallOptions): Ambient | undefined {
    const inherited = this.#inherits === "everything" ? enclosingCall()?.ambient : undefined;
    if (ambient === undefined) return inherited;
    return withAmbient(inherited, Object.entries(ambient));
  }

  /** How many items may be under way unread. */
  aheadOf(options: CallOptions): number {
    return options.ahead === undefined ? this.ahead : checkedAhead(options.ahead);
  }

  /**
   * The fields that a call's request carries beyond those that every one has; `undefined` where it
   * has none. They depend on the connection: not each may carry a token.
   */
  fields(
    options: CallOptions,
    span: CallSpan | undefined,
    signed?: SignedPart,
  ): RequestFields | undefined {
    const token = options.token ?? this.#token;
    const { headers } = options;
    const common = this.#fields;
    if (token === undefined && headers === undefined && span === undefined && common.length === 0) {
      return undefined;
    }
    const own = [...common];
    if (headers !== undefined) own.push(...headerFields(headers));
    if (span !== undefined) own.push("traceparent", span.traceparent);
    if (token === undefined) return () => own;
    return (link) => {
      const text = tokenOf(token, link, signed);
      const field = typeof text === "string" ? this.#tokens.field(text, link) : text.then(
        (text) => this.#tokens.field(text, link),
      );
      return field instanceof Promise
        ? field.then((field) => this.#withToken(field, own, link))
        : this.#withToken(field, own, link);
    };
  }

  /** A token that could not be had, or may not be sent, is none that the worker ignores. */
  #withToken(field: HeaderList, own: HeaderList, { ignoresTokens }: Link): HeaderList {
    if (ignoresTokens !== undefined) this.#ignored(ignoresTokens);
    // The same list, where there is nothing else: its block is encoded once.
    return own.length === 0 ? field : [...own, ...field];
  }

  #ignored(worker: PeerRef): void {
    if (this.#tokenIgnored) return;
    this.#tokenIgnored = true;
    this.#onTokenIgnored(worker);
  }
}

/** A name in place of the routine would fail by what it has not. */
function declared(routine: AnyRoutine): AnyRoutine {
  if (routine?.options !== undefined) return routine;
  throw unusable(
    "routine",
    "the first argument of a call is a routine, as routine() declares it, not its name",
  );
}

/**
 * What calls take over from the call that they are made from within: nothing, its deadline and its cancellation,
 * or its ambient values besides, which are for workers under the same trust only.
 */
export type Inheritance = "nothing" | "bounds" | "everything";

/** Aborts when either does. */
export function eitherSignal(
  own: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  if (own === undefined || other === undefined) return own ?? other;
  return AbortSignal.any([own, other]);
}

/** What of a call is signed, where calls are. */
export interface SignedPart {
  /** The routine. */
  readonly routine: string;
  /** Its encoded arguments. */
  readonly arguments: EncodedPayload;
}

function tokenOf(
  token: string | KeptToken | CallSigner,
  { id: workerId, identity }: Link,
  signed: SignedPart | undefined,
): string | Promise<string> {
  if (typeof token === "string") return token;
  if (token instanceof KeptToken) return token.now();
  if (signed === undefined || workerId === undefined) {
    throw unusable(
      "token",
      signed === undefined
        ? "calls of services cannot be signed one by one; give a token that is not signNonce(...)"
        : `a call of ${identity ?? "a worker"} cannot be signed: the worker does not give its id`,
    );
  }
  const { routine } = signed;
  const digest = payloadDigest(signed.arguments);
  return token.sign({ workerId, routine, payloadDigest: digest, now: Date.now() });
}

/** The fields that a call's request carries over a connection, beyond those that every one has. */
export type RequestFields = (link: Link) => HeaderList | Promise<HeaderList>;

/** The longest time that the platform's timers and every protocol can carry: 24.8 days. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * A call's time, where it can be kept.
 *
 * @throws {ConfigurationError} If it is no number of milliseconds, or too long.
 */
export function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs >= 0 && timeoutMs <= LONGEST_TIMEOUT_MS) return timeoutMs;
  throw unusable(
    "timeoutMs",
    `timeoutMs must be a number of milliseconds up to ${LONGEST_TIMEOUT_MS} (24.8 days), or 0 for no ` +
      `limit, not ${timeoutMs}`,
  );
}

/** What is under way unread where nobody says; larger items are held back by their stream's window first. */
const DEFAULT_AHEAD = 256;

function checkedAhead(ahead: number): number {
  if (Number.isInteger(ahead) && ahead > 0 && ahead < 2 ** 31) return ahead;
  throw unusable("ahead", `ahead is a number of items, at least 1, not ${ahead}`);
}
