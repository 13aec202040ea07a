import { openAuthorizer } from "../../policy/mod.ts";
import type { Clock, Faults, Observer } from "../../observe/mod.ts";
import type { EveryWorkerLimit } from "../limits.ts";
import type { WorkerServerOptions } from "../options.ts";
import type { AnonymousAdmission } from "./admission.ts";
import { BothAuthorizers, enterBoth } from "./anonymous.ts";
import { Authorization } from "./authorization.ts";
import { CallGate } from "./call_gate.ts";

/** Who may call what, where that is said. */
export async function openPolicy(
  { policy, authenticate }: WorkerServerOptions,
  { observer, clock, faults }: { observer: Observer; clock: Clock; faults: Faults },
): Promise<Authorization | undefined> {
  if (policy === undefined) return undefined;
  const hookFailed = (error: unknown) => faults.report("policy", error);
  const claims = authenticate !== undefined;
  const authorizer = await openAuthorizer(policy, { observer, clock, claims, hookFailed });
  return new Authorization({ authorizer, observer, failed: hookFailed });
}

/** What decides about callers without identity: their routines, their places, and the policy besides. */
export async function anonymousAdmission(
  { anonymous }: WorkerServerOptions,
  { gate, limits, authorization, observer, clock }: {
    gate: CallGate;
    limits: EveryWorkerLimit;
    authorization: Authorization | undefined;
    observer: Observer;
    clock: Clock;
  },
): Promise<AnonymousAdmission> {
  const { routines = [], concurrency = Math.max(1, Math.floor(limits.concurrency / 4)) } =
    anonymous ?? {};
  const allow = { effect: "allow", who: ["anonymous"], what: routines } as const;
  const own = await openAuthorizer(
    { default: "deny", rules: routines.length === 0 ? [] : [allow] },
    {
      observer,
      clock,
      claims: false,
      hookFailed: () => {},
    },
  );
  const places = new CallGate(
    { concurrency, concurrencyPerPeer: concurrency },
    () => clock.steady(),
  );
  return {
    gate: enterBoth(places, gate),
    authorization: new Authorization({
      authorizer: new BothAuthorizers(own, authorization?.authorizer),
      observer,
    }),
  };
}
