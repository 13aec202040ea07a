/**
 * Cedar in place of rules: the policy of a worker asks the engine about each call.
 *
 * @module
 */
import * as cedar from "@cedar-policy/cedar-wasm";
import { ConfigurationError } from "../mod.ts";
import type { AuthorizeCall, PolicyHook } from "../src/worker/entry.ts";

/**
 * Decides by Cedar policies. A caller is a `Peer` in its `Domain`, a routine a `Routine` in its `Module`, and
 * the claims of a verified token are the context.
 *
 * @param policies The text of the policies; the `@id` of each names it in errors and events.
 * @throws {ConfigurationError} where they cannot be parsed.
 */
export function cedarPolicy(policies: string): PolicyHook {
  const parts = cedar.policySetTextToParts(policies);
  if (parts.type === "failure") {
    const why = parts.errors.map(({ message }) => message).join("; ");
    throw new ConfigurationError(`the Cedar policies cannot be parsed: ${why}`, {
      setting: "policy",
    });
  }
  const named = parts.policies.map((text, at) => [idOf(text) ?? `policy ${at + 1}`, text] as const);
  const policySet = { staticPolicies: Object.fromEntries(named) };
  return { authorize: (call) => decide(policySet, call) };
}

function decide(policies: cedar.PolicySet, call: AuthorizeCall): { allow: boolean; rule: string } {
  const peer = { type: "Peer", id: call.peer.identity ?? "anonymous" };
  const routine = { type: "Routine", id: call.routine ?? call.method };
  const answer = cedar.isAuthorized({
    principal: peer,
    action: { type: "Action", id: "call" },
    resource: routine,
    context: (call.claims ?? {}) as cedar.Context,
    policies,
    entities: [
      entity(peer, domainOf(call.peer.identity)),
      entity(routine, { type: "Module", id: moduleOf(routine.id) }),
    ],
  });
  // What throws denies the call: `hook-failed`.
  if (answer.type === "failure") {
    throw new Error(answer.errors.map(({ message }) => message).join());
  }
  const { decision, diagnostics } = answer.response;
  const [rule = "no policy permits it"] = diagnostics.reason;
  return { allow: decision === "allow", rule };
}

function entity(uid: cedar.TypeAndId, parent?: cedar.TypeAndId): cedar.EntityJson {
  return { uid, attrs: {}, parents: parent === undefined ? [] : [parent] };
}

/** The trust domain of a SPIFFE ID. */
function domainOf(identity: string | undefined): cedar.TypeAndId | undefined {
  const [, id] = /^spiffe:\/\/([^/]+)/.exec(identity ?? "") ?? [];
  return id === undefined ? undefined : { type: "Domain", id };
}

/** `math` of `math.add`, `acme.v1.Echo` of `acme.v1.Echo/Say`. */
function moduleOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf("."), name.lastIndexOf("/"), 0));
}

function idOf(policy: string): string | undefined {
  return /@id\("([^"]+)"\)/.exec(policy)?.[1];
}
