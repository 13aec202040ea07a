import { unusable } from "../errors/mod.ts";
import type { AuthorizeAnswer, Authorizer, PolicyCall, PolicyHook } from "./authorizer.ts";
import type { PolicyDecision } from "./rules/mod.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
/** A timer that is longer fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The decisions of a hook that names no rule. */
const ALLOWED: PolicyDecision = { allowed: true, rule: "hook" };
const DENIED: PolicyDecision = { allowed: false, rule: "hook" };
const FAILED: PolicyDecision = { allowed: false, rule: "hook-failed" };
const TIMED_OUT: PolicyDecision = { allowed: false, rule: "hook-timeout" };

/** Asks a function about each call; where it throws or does not answer in time, the call is denied. */
export class HookAuthorizer implements Authorizer {
  readonly rules = undefined;
  /** A hook is asked where a call is entered, and not again. */
  readonly version = 0;
  readonly #hook: PolicyHook;
  readonly #timeoutMs: number;
  readonly #failed: (error: unknown) => void;

  /** @param failed receives what the hook threw, for the worker's own log. */
  constructor(hook: PolicyHook, failed: (error: unknown) => void) {
    const { authorize, timeoutMs = DEFAULT_TIMEOUT_MS } = hook;
    if (typeof authorize !== "function") {
      throw unusable("policy", "policy.authorize is a function");
    }
    if (!(timeoutMs >= 1 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
      throw unusable(
        "policy",
        `policy.timeoutMs is ${timeoutMs}; it must be from 1 to ${LONGEST_TIMEOUT_MS} ms`,
      );
    }
    this.#hook = hook;
    this.#timeoutMs = timeoutMs;
    this.#failed = failed;
  }

  readsTags(): boolean {
    return true;
  }

  decide(call: PolicyCall): PolicyDecision | Promise<PolicyDecision> {
    const abort = new AbortController();
    try {
      const answer = this.#hook.authorize({
        peer: {
          identity: call.subject.identity?.name,
          names: call.subject.identity?.names ?? [],
          address: call.address,
        },
        claims: call.subject.claims,
        routine: call.routine,
        method: call.method,
        tags: call.tags,
        headers: call.headers,
        signal: abort.signal,
      });
      // Engines may answer with promises of their own.
      return isThenable(answer) ? this.#inTime(Promise.resolve(answer), abort) : decisionOf(answer);
    } catch (error) {
      this.#failed(error);
      return FAILED;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #inTime(answer: Promise<AuthorizeAnswer>, abort: AbortController): Promise<PolicyDecision> {
    const { promise, resolve } = Promise.withResolvers<PolicyDecision>();
    const timer = setTimeout(() => {
      resolve(TIMED_OUT);
      abort.abort(new DOMException("the time for the decision is over", "TimeoutError"));
    }, this.#timeoutMs);
    answer.then(decisionOf).catch((error) => {
      this.#failed(error);
      return FAILED;
    }).then(resolve).finally(() => clearTimeout(timer));
    return promise;
  }
}

function isThenable(answer: unknown): answer is PromiseLike<AuthorizeAnswer> {
  return typeof answer === "object" && answer !== null && "then" in answer;
}

/** Only `true` allows: what else a hook may answer by mistake denies. */
function decisionOf(answer: AuthorizeAnswer): PolicyDecision {
  if (typeof answer !== "object" || answer === null) return answer === true ? ALLOWED : DENIED;
  const { allow, rule } = answer;
  if (typeof rule !== "string") return allow === true ? ALLOWED : DENIED;
  return { allowed: allow === true, rule: rule.slice(0, 128) };
}
