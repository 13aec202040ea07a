import { SelvageError } from "./selvage_error.ts";

/** What is wrong with a caller's token. */
export type AuthenticationReason =
  | "token-missing"
  | "token-malformed"
  | "token-invalid"
  | "token-expired"
  | "token-not-yet-valid"
  | "peer-unauthenticated";

/** The worker does not know who calls: a token is missing or does not hold. */
export class AuthenticationError extends SelvageError {
  override readonly name = "AuthenticationError";
  readonly reason: AuthenticationReason;

  constructor(message: string, options: { reason: AuthenticationReason; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason;
  }
}

/** The worker knows who calls, and its policy says no. */
export class AuthorizationError extends SelvageError {
  override readonly name = "AuthorizationError";
  /** The rule that decided, `default-deny` where none matched. */
  readonly rule: string;

  constructor(message: string, options: { rule: string }) {
    super(message);
    this.rule = options.rule;
  }
}
