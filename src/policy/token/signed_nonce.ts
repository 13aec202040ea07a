import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type ConfigurationError, Overloaded, unusable } from "../../errors/mod.ts";
import type { EncodedPayload } from "../../routine/mod.ts";
import { type Authenticator, type PresentedCall, unauthenticated } from "./authenticator.ts";
import { fromBase64Url, toBase64 } from "../../platform/mod.ts";
import { remembered } from "./portable.ts";

/** Who may sign calls, and for how long a signature holds. */
export interface SignedNonceOptions {
  /** The secret keys by their ids, each of at least 32 random bytes; an id is letters, digits, `-` and `_`. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
  /** How far the time in a signature may be from the worker's, in seconds, at most 300. Default 30. */
  readonly windowS?: number;
  /**
   * Nonces that are remembered, shared evenly by the keys; a key that has used up its share within the window
   * is refused further calls as `Overloaded`. Default 100,000.
   */
  readonly maxNonces?: number;
}

/** A key to sign calls with. */
export interface NonceKey {
  /** The id under which the worker knows the key. */
  readonly id: string;
  /** The key. */
  readonly key: Uint8Array;
}

/** What is signed of a call. */
export interface SignedCall {
  /** The id of the worker that is called. */
  readonly workerId: string;
  /** The routine, or `package.Service/Method`. */
  readonly routine: string;
  /** SHA-256 over the encoded arguments, lower-case hexadecimal; empty where there is no routine. */
  readonly payloadDigest: string;
  /** The time, in milliseconds since the epoch. */
  readonly now: number;
}

/** Separates these signatures from any other use of the same key. */
const DOMAIN = "selvage signed nonce v1";

const FORM =
  /^sn1\.([A-Za-z0-9_-]{1,64})\.([0-9]{13})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})?\.([A-Za-z0-9_-]{43})$/;

/** SHA-256 over the encoded arguments of a call, lower-case hexadecimal. */
export function payloadDigest(args: EncodedPayload): string {
  return createHash("sha256").update(args.form === "cbor" ? args.bytes : args.text).digest("hex");
}

/** Signs one call: `sn1.KEY.TIME.NONCE.DIGEST.SIGNATURE`. */
export function signCall({ id, key }: NonceKey, call: SignedCall): string {
  const nonce = randomBytes(16).toString("base64url");
  const time = String(call.now);
  const parts = [id, time, nonce, call.payloadDigest];
  const signature = signatureOf(key, parts, call.workerId, call.routine).toString("base64url");
  return ["sn1", ...parts, signature].join(".");
}

/**
 * Verifies calls that are signed one by one with a shared secret: HMAC-SHA-256 over the worker's id, the routine,
 * the digest of the arguments and the time. Each signature is accepted once, and never remembered as valid. A worker
 * whose id is given, so that it may have been another's before a restart, accepts none from before its start: after
 * that, callers whose clocks are behind are refused for as long as they are.
 *
 * The arguments of routines are compared with the digest before they are decoded; calls of other services carry
 * no digest, so that their messages are protected by TLS alone.
 *
 * @throws {ConfigurationError} If there is no key, or one is too short.
 */
export function signedNonce(options: SignedNonceOptions): Authenticator {
  const { windowS = 30, maxNonces = 100_000 } = options;
  const keys = checkedKeys(options.keys);
  if (!(windowS > 0 && windowS <= 300)) throw wrong("windowS", "is a number of seconds up to 300");
  if (!(Number.isInteger(maxNonces) && maxNonces >= keys.size)) {
    throw wrong("maxNonces", "is a number of nonces, at least one for each key");
  }
  const windowMs = windowS * 1_000;
  const share = Math.floor(maxNonces / keys.size);
  const used = new Map([...keys.keys()].map((id) => [id, new UsedNonces(share, windowMs)]));
  const authenticate = (call: PresentedCall) => {
    const signed = verified(call, keys, windowMs);
    used.get(signed.id)!.use(signed.nonce, signed.time, call.now);
    return {
      claims: Object.freeze({ sub: signed.id }),
      ...(signed.digest === undefined ? {} : { payloadDigest: signed.digest }),
    };
  };
  const encoded = [...keys].map(([id, key]) => [id, toBase64(key)]);
  return remembered({ require: "token", authenticate }, {
    kind: "signed-nonce",
    keys: Object.fromEntries(encoded),
    windowS,
    maxNonces,
  });
}

function verified(call: PresentedCall, keys: ReadonlyMap<string, Uint8Array>, windowMs: number) {
  const [, id = "", time = "", nonce = "", digest, signature = ""] = FORM.exec(call.token) ?? [];
  if (id === "") throw unauthenticated("token-malformed", "the token is not a signed nonce");
  const key = keys.get(id);
  if (key === undefined) throw unauthenticated("token-unknown-key", "the token's key is not known");
  const expected = signatureOf(key, [id, time, nonce, digest ?? ""], call.workerId, call.routine);
  const given = fromBase64Url(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw unauthenticated(
      "token-bad-signature",
      "the signature is not one of this key for this worker, routine and time",
    );
  }
  if (digest === undefined && isRoutine(call.routine)) {
    throw unauthenticated(
      "token-malformed",
      "the signature must cover the routine and its arguments",
    );
  }
  const at = Number(time);
  if (at < call.now - windowMs) throw tooOld();
  if (at < (call.idSince ?? -Infinity)) {
    throw unauthenticated(
      "token-expired",
      "the signature is older than the worker, and may have been used at one before it that had the same id",
    );
  }
  if (at > call.now + windowMs) {
    throw unauthenticated("token-not-yet-valid", "the signature is from the future");
  }
  return { id, nonce, time: at, digest };
}

function tooOld() {
  return unauthenticated("token-expired", "the signature is older than the window");
}

/** A routine has a digest of its arguments, also where the header does not name it. */
function isRoutine(routine: string): boolean {
  return !routine.includes("/") || UNNAMED_ROUTINE.test(routine);
}

const UNNAMED_ROUTINE = /^selvage\.v1\.WorkerService\/(?:Call|Stream|Duplex)$/;

function signatureOf(
  key: Uint8Array,
  parts: readonly string[],
  workerId: string,
  routine: string,
): Uint8Array & { toString(encoding: "base64url"): string } {
  // As JSON, so that no two lists of parts are signed as the same text.
  return createHmac("sha256", key).update(JSON.stringify([DOMAIN, ...parts, workerId, routine]))
    .digest();
}

/** How often within a window nonces that came out of order are forgotten, where there is no room. */
const LOOKS = 16;

/** The nonces of one key that would be accepted again otherwise. */
class UsedNonces {
  readonly #max: number;
  readonly #windowMs: number;
  /** When each is too old to be accepted; in the order of their arrival, which is nearly that of their ends. */
  readonly #ends = new Map<string, number>();
  /** The latest such time of a nonce that was forgotten: what ends by then may have been used, whatever the clock says. */
  #forgottenUntil = -Infinity;
  /** Until when none of them, in whatever order, is looked at for its end. */
  #lookedUntil = -Infinity;

  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  use(nonce: string, time: number, now: number): void {
    if (this.#ends.has(nonce)) {
      throw unauthenticated("token-replayed", "the signature was used before");
    }
    const end = time + this.#windowMs;
    // Where the clock was set back, it is within the window once more.
    if (end <= this.#forgottenUntil) throw tooOld();
    for (const [old, end] of this.#ends) {
      if (end >= now) break;
      this.#forget(old, end);
    }
    // Not for each call that is refused: all of 100,000 take fifty times as long as to verify one.
    if (this.#ends.size >= this.#max && !(now < this.#lookedUntil)) {
      this.#lookedUntil = now + this.#windowMs / LOOKS;
      for (const [old, end] of this.#ends) if (end < now) this.#forget(old, end);
    }
    if (this.#ends.size >= this.#max) {
      throw new Overloaded(`${this.#max} signed calls of one key within the window`);
    }
    this.#ends.set(nonce, end);
  }

  #forget(nonce: string, end: number): void {
    this.#ends.delete(nonce);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, end);
  }
}

function checkedKeys(keys: unknown): ReadonlyMap<string, Uint8Array> {
  const entries = Object.entries(keys as Readonly<Record<string, unknown>> ?? {});
  if (entries.length === 0) throw wrong("keys", "names no key");
  for (const [id, key] of entries) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw wrong("keys", `holds an id that is not valid`);
    if (!(key instanceof Uint8Array) || key.length < 32) {
      throw wrong("keys", `${id} is not a key of at least 32 bytes`);
    }
  }
  return new Map(entries.map(([id, key]) => [id, (key as Uint8Array).slice()]));
}

function wrong(setting: string, problem: string): ConfigurationError {
  return unusable(setting, `${setting} ${problem}`);
}
