import type { PolicyDecision, PolicySubject, PolicyTarget } from "./rules/mod.ts";
import type { Claims } from "./token/authenticator.ts";

/** A call that a worker has to decide about. */
export interface PolicyCall extends PolicyTarget {
  /** Who calls. */
  readonly subject: PolicySubject;
  /** The routine, where it is one. */
  readonly routine: string | undefined;
  /** The method, as `package.Service/Method`. */
  readonly method: string;
  /** The request's header fields. */
  readonly headers: Headers;
  /** Where the caller calls from. */
  readonly address: string;
}

/** Decides who may call what. */
export interface Authorizer extends AsyncDisposable {
  /** How many rules there are; `undefined` of a hook. */
  readonly rules: number | undefined;
  /** Whether calls of that name cannot be decided about before their tags are known. */
  readsTags(name: string): boolean;
  /** Decides about a call. Never rejects. */
  decide(call: PolicyCall): PolicyDecision | Promise<PolicyDecision>;
  /** Another number whenever its decisions may have changed. */
  readonly version: number;
  /** Calls back whenever its decisions may have changed, until the returned function is called; absent where they never do. */
  onChange?(changed: () => void): () => void;
}

/** Who calls, as a hook sees it. */
export interface AuthorizePeer {
  /** The name that it was proven under, as patterns write it; `undefined` where nothing was proven. */
  readonly identity: string | undefined;
  /** Every name that its certificate vouches for, the proven one first. */
  readonly names: readonly string[];
  /** The address that it calls from. */
  readonly address: string;
}

/** A call, as a hook sees it. */
export interface AuthorizeCall {
  /** Who calls. */
  readonly peer: AuthorizePeer;
  /** What its verified token claims, where there is one. */
  readonly claims: Claims | undefined;
  /** The routine's name; `undefined` where a service's method is called. */
  readonly routine: string | undefined;
  /** The method, as `package.Service/Method`: of a routine one of `selvage.v1.WorkerService`. */
  readonly method: string;
  /** The tags that the call asks for. */
  readonly tags: readonly string[];
  /** The request's header fields as the caller wrote them: none is verified. */
  readonly headers: Headers;
  /** Aborts when the time for the decision is over. */
  readonly signal: AbortSignal;
}

/** The result of a hook: whether the call is allowed, and the name of the rule that decided. */
export type AuthorizeAnswer =
  | boolean
  | { readonly allow: boolean; readonly rule?: string | undefined };

/** A function in place of rules, for those who have a policy engine. */
export interface PolicyHook {
  /** Decides about a call, before its payload is decoded. What it throws denies the call. */
  readonly authorize: (call: AuthorizeCall) => AuthorizeAnswer | Promise<AuthorizeAnswer>;
  /** How long it may take, in milliseconds; then the call is denied. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
}
