import type { Address } from "../../channel/mod.ts";
import { AuthorizationError, insistOnChoice, type Overloaded, unusable } from "../../errors/mod.ts";
import {
  type Authorizer,
  type Networks,
  parseNetworks,
  type PolicyDecision,
} from "../../policy/mod.ts";
import type { CallGate } from "./call_gate.ts";
import type { WorkerServerOptions } from "../options.ts";

/** Why anonymous callers are denied `Describe` and reflection. */
export const NOT_FOR_ANONYMOUS: AuthorizationError = new AuthorizationError(
  "callers without identity may not ask what this worker serves",
  { rule: "anonymous" },
);

/**
 * Who may call in plaintext beside TLS; nothing where plaintext is refused.
 *
 * @throws {ConfigurationError} If the settings contradict each other, or leave open what must be said.
 */
export function anonymousNetworks(
  options: WorkerServerOptions,
  addresses: readonly Address[],
): Networks | undefined {
  const { plaintext = "refuse", anonymous, credentials, strict = false, nativeTls } = options;
  insistOnChoice("plaintext", plaintext, ["accept", "refuse"]);
  if (plaintext === "refuse") {
    if (anonymous === undefined) return undefined;
    throw unusable("anonymous", 'anonymous is of no use without plaintext: "accept"');
  }
  if (strict) throw unusable("plaintext", 'strict refuses plaintext: "accept"');
  if (credentials === undefined || addresses.every(({ kind }) => kind !== "tcp")) {
    throw unusable(
      "plaintext",
      'plaintext: "accept" is for TLS listeners on TCP; give credentials',
    );
  }
  if (nativeTls === true) {
    throw unusable("plaintext", 'plaintext: "accept" is not possible with nativeTls');
  }
  if (anonymous === undefined) {
    throw unusable(
      "anonymous",
      'plaintext: "accept" needs anonymous: { routines, from } (--anonymous-routine, --anonymous-from), which says what callers without identity ' +
        "may still call, and from which networks",
    );
  }
  const { concurrency = 1 } = anonymous;
  if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw unusable("anonymous", `anonymous.concurrency is a number of calls, not ${concurrency}`);
  }
  return parseNetworks(anonymous.from ?? [], "anonymous.from");
}

/** Whether both allow: what anonymous callers may call at all, and what the policy says. */
export class BothAuthorizers implements Authorizer {
  readonly rules = undefined;
  readonly #first: Authorizer;
  readonly #second: Authorizer | undefined;

  constructor(first: Authorizer, second: Authorizer | undefined) {
    this.#first = first;
    this.#second = second;
  }

  get version(): number {
    return this.#second?.version ?? this.#first.version;
  }

  readsTags(name: string): boolean {
    return this.#second?.readsTags(name) === true;
  }

  decide(call: Parameters<Authorizer["decide"]>[0]): PolicyDecision | Promise<PolicyDecision> {
    const first = this.#first.decide(call) as PolicyDecision;
    if (!first.allowed) return { allowed: false, rule: "anonymous" };
    return this.#second?.decide(call) ?? first;
  }

  onChange(changed: () => void): () => void {
    return this.#second?.onChange?.(changed) ?? (() => {});
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#first[Symbol.asyncDispose]();
  }
}

/** Both gates at once: that of the anonymous, and the worker's own. */
export function enterBoth(anonymous: CallGate, own: CallGate): Pick<CallGate, "enter" | "leave"> {
  return {
    enter(peer): Overloaded | undefined {
      const full = anonymous.enter(peer);
      if (full !== undefined) return full;
      const refusal = own.enter(peer);
      if (refusal !== undefined) anonymous.leave(peer);
      return refusal;
    },
    leave(peer) {
      anonymous.leave(peer);
      own.leave(peer);
    },
  };
}
