import type { NamedPeer } from "../../identity/mod.ts";
import type { Claims } from "../token/authenticator.ts";

/** Who calls, as a policy judges it. Decisions are kept by this object: it must not change. */
export interface PolicySubject {
  /** Who the peer has proven to be; absent where nothing was proven. */
  readonly identity: NamedPeer | undefined;
  /** What its verified token claims; absent where there is none. */
  readonly claims: Claims | undefined;
}

/** What is called. */
export interface PolicyTarget {
  /** A routine's name, or `package.Service/Method`. */
  readonly name: string;
  /** The tags that the call asks for. */
  readonly tags: readonly string[];
}

/** What a policy decided, and which rule did. */
export interface PolicyDecision {
  readonly allowed: boolean;
  /** The name of the rule; `default-allow` or `default-deny` where none matched. */
  readonly rule: string;
}
