import { type ConfigurationError, unusable } from "../errors/mod.ts";
import { type PathFault, ruleText, unsuitableAdvice } from "../identity/mod.ts";
import type { CredentialsFault } from "../observe/mod.ts";
import { present } from "../values/mod.ts";

/** Which setting is at fault. */
export type CredentialSetting = "ca" | "cert" | "key" | "provider" | "credentials";

/** Why a version of the credentials cannot be used. A value; thrown only where there is no other version. */
export interface CredentialRejection {
  /** Marks the value among what an attempt may give. */
  readonly kind: "rejected";
  /** The word for it. */
  readonly reason: CredentialsFault;
  /** One sentence: what was found. */
  readonly message: string;
  /** The setting at fault. */
  readonly setting: CredentialSetting;
  /** Whether its parts are each in order and do not fit each other, as where one of them is still to be written. */
  readonly mismatched?: boolean;
  /** Of which SPIFFE trust domain's authorities, where it is about those. */
  readonly domain?: string;
  /** What was thrown by the platform or the provider. */
  readonly cause?: unknown;
}

/** Makes a rejection. */
export function rejection(
  reason: CredentialsFault,
  setting: CredentialSetting,
  message: string,
  cause?: unknown,
): CredentialRejection {
  return { kind: "rejected", reason, setting, message, ...present({ cause }) };
}

/** The error for a rejection where nothing else can be used instead. */
export function configurationError(rejected: CredentialRejection): ConfigurationError {
  return unusable(rejected.setting, `${rejected.setting}: ${rejected.message}`, rejected.cause);
}

/** What to say of our own certificate where a rule refuses it: what was found, and what to change. */
export function unsuitableMessage(fault: PathFault | undefined): string | undefined {
  if (fault === undefined) return undefined;
  const { rule, found, certificate } = fault;
  return `${found} (${rule}, ${ruleText(rule).field}); ${unsuitableAdvice(rule, certificate)}`;
}
