import { escapePeerText } from "../../errors/mod.ts";
import { loggerFor, steadied } from "../../observe/mod.ts";
import { KeySet, type VerificationKey } from "./key_set.ts";
import type { KeySource } from "./key_source.ts";
import { keysUnreachable } from "./authenticator.ts";
import { messageOf } from "../../values/mod.ts";

/** A set is read again before it is this old, in milliseconds: a key that left it is refused from then on. */
export const REFRESH_MS = 5 * 60_000;
/** From this age on a set is read again beside the calls, so that none has to wait for it. */
const REFRESH_AHEAD_MS = REFRESH_MS - 60_000;
/** The last good set is used so long where its source cannot be reached. */
const STALE_MS = 60 * 60_000;
/** A token with an unknown key makes the set be read again at most this often. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;
/** So many tokens with unknown keys wait for a reading: half of those that are verified at once, as anyone can make them up. */
const MAX_WAITING = 128;
/** After a failure, the first wait before the next attempt; it doubles up to {@linkcode LAST_RETRY_MS}. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** So long after an attempt was due the last good set stands in: longer than any attempt takes, and not over a pause. */
const STANDS_IN_MS = 2 * 60_000;

/** Keys to verify tokens by. */
export interface Keys {
  /**
   * The keys that may have signed a token; none where the set does not know it.
   *
   * @throws {AuthenticationError} `key-set-unreachable` where there is no set to ask.
   */
  candidates(
    alg: string,
    kid: string | undefined,
    now: number,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;
  /** Whether a key may still verify; answered at once, from what is known. */
  vouches(fingerprint: string, now: number): boolean;
}

/** A set that never changes. */
export function fixedKeys(set: KeySet): Keys {
  return {
    candidates: (alg, kid) => set.candidates(alg, kid),
    vouches: (fingerprint) => set.has(fingerprint),
  };
}

/**
 * A set that is read again before it is five minutes old, and when a token names a key that it does not hold;
 * one reading at a time, none while a recent one has failed. The last good set is used for an hour.
 */
export class RefreshedKeys implements Keys {
  readonly #source: KeySource;
  /** Ages are measured by it: where the clock is set back, a withdrawn key must not stay for longer. */
  readonly #steady = steadied();
  #set: KeySet | undefined;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;
  /** How many tokens with unknown keys wait for that. */
  #waiting = 0;
  #failures = 0;
  #retryAt = -Infinity;
  #unknownAt = -Infinity;

  /** Over a source, which is read when the first token asks for it. */
  constructor(source: KeySource) {
    this.#source = source;
  }

  /** See {@linkcode Keys.candidates}. */
  candidates(
    alg: string,
    kid: string | undefined,
    time: number,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
    const now = this.#steady(time);
    if (this.#isFresh(now)) {
      this.#refreshAhead(now);
      const found = this.#set!.candidates(alg, kid);
      if (found.length > 0) return found;
      // Where the key is new, so it is for others: the first token with it has the set read, and all of them wait.
      if (this.#mayAskForUnknown(now)) this.#unknownAt = now;
      else if (this.#reading === undefined || this.#waiting >= MAX_WAITING) return found;
      this.#waiting += 1;
      return this.#refresh(now).then(() => {
        this.#waiting -= 1;
        return this.#set!.candidates(alg, kid);
      });
    }
    if (this.#isInItsStead(now)) {
      const found = this.#set!.candidates(alg, kid);
      void this.#refresh(now);
      if (found.length > 0) return found;
    }
    return this.#refresh(now).then(() => this.#usable(now).candidates(alg, kid));
  }

  /** See {@linkcode Keys.vouches}; `false` also where the set has to be read again first. */
  vouches(fingerprint: string, time: number): boolean {
    const now = this.#steady(time);
    if (!this.#isFresh(now) && !this.#isInItsStead(now)) return false;
    this.#refreshAhead(now);
    return this.#set!.has(fingerprint);
  }

  #isFresh(now: number): boolean {
    return this.#set !== undefined && now - this.#readAt < REFRESH_MS;
  }

  #isKept(now: number): boolean {
    return this.#set !== undefined && now - this.#readAt < STALE_MS;
  }

  /**
   * Whether the last good set stands in: no token waits for a source that was away the last time. Where no token has
   * come for a while, it may be back, and without a key of then.
   */
  #isInItsStead(now: number): boolean {
    return this.#failures > 0 && now < this.#retryAt + STANDS_IN_MS && this.#isKept(now);
  }

  #backsOff(now: number): boolean {
    return now < this.#retryAt;
  }

  #mayAskForUnknown(now: number): boolean {
    return now - Math.max(this.#unknownAt, this.#readAt) >= UNKNOWN_KEY_COOLDOWN_MS &&
      !this.#backsOff(now);
  }

  #refreshAhead(now: number): void {
    if (now - this.#readAt >= REFRESH_AHEAD_MS) void this.#refresh(now);
  }

  #usable(now: number): KeySet {
    if (this.#isKept(now)) return this.#set!;
    throw keysUnreachable();
  }

  /** Reads the set again, once at a time and not while a failure is recent; never rejects. */
  #refresh(now: number): Promise<void> {
    if (this.#reading !== undefined) return this.#reading;
    if (this.#backsOff(now)) return Promise.resolve();
    return this.#reading = this.#read(now).finally(() => this.#reading = undefined);
  }

  async #read(now: number): Promise<void> {
    try {
      this.#set = KeySet.from(await this.#source.read());
      this.#readAt = now;
      this.#failures = 0;
      this.#retryAt = -Infinity;
    } catch (error) {
      // The message says where and why; it is the operator's to know, not the caller's.
      loggerFor("security").warn("the key set {source} cannot be read: {message}", {
        source: this.#source.name,
        message: escapePeerText(messageOf(error)),
      });
      this.#failures += 1;
      this.#retryAt = now + Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LAST_RETRY_MS);
    }
  }
}
