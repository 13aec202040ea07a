import type { AuthorizeAnswer, Authorizer, PolicyCall, PolicyHook } from "./authorizer.ts";
import type { PolicyDecision } from "./rules/mod.ts";

const DEFAULT_TIMEOUT_MS = 5_000;

/** Told instead of a hook's own name for its decision. */
const ALLOWED: PolicyDecision = { allowed: true, rule: "hook" };
const DENIED: PolicyDecision = { allowed: false, rule: "hook" };
const FAILED: PolicyDecision = { allowed: false, rule: "hook-failed" };
const TIMED_OUT: PolicyDecision = { allowed: false, rule: "hook-timeout" };

/** Asks a function about every call; where it throws or does not answer in time, the call is denied. */
export class HookAuthorizer implements Authorizer {
  readonly rules = undefined;
  readonly #hook: PolicyHook;
  readonly #failed: (error: unknown) => void;

  /** @param failed told what the hook threw, for the worker's own log. */
  constructor(hook: PolicyHook, failed: (error: unknown) => void) {
    this.#hook = hook;
    this.#failed = failed;
  }

  readsTags(): boolean {
    return true;
  }

  decide(call: PolicyCall): PolicyDecision | Promise<PolicyDecision> {
    const abort = new AbortController();
    let answer: AuthorizeAnswer | Promise<AuthorizeAnswer>;
    try {
      answer = this.#hook.authorize({
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
    } catch (error) {
      this.#failed(error);
      return FAILED;
    }
    if (!(answer instanceof Promise)) return decisionOf(answer);
    return this.#inTime(answer, abort);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #inTime(answer: Promise<AuthorizeAnswer>, abort: AbortController): Promise<PolicyDecision> {
    const { promise, resolve } = Promise.withResolvers<PolicyDecision>();
    const timer = setTimeout(() => {
      resolve(TIMED_OUT);
      abort.abort(new DOMException("the time for the decision is over", "TimeoutError"));
    }, this.#hook.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    answer.then((answered) => resolve(decisionOf(answered)), (error) => {
      this.#failed(error);
      resolve(FAILED);
    }).finally(() => clearTimeout(timer));
    return promise;
  }
}

/** Only `true` allows: what else a hook may answer by mistake denies. */
function decisionOf(answer: AuthorizeAnswer): PolicyDecision {
  if (typeof answer !== "object" || answer === null) return answer === true ? ALLOWED : DENIED;
  const { allow, rule } = answer;
  if (typeof rule !== "string") return allow === true ? ALLOWED : DENIED;
  return { allowed: allow === true, rule: rule.slice(0, 128) };
}
