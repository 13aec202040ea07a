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
  /** Always `AuthenticationError`. */
  override readonly name = "AuthenticationError";
  /** What is wrong with the token. */
  readonly reason: AuthenticationReason;

  /** Made where the token is checked, and rebuilt at the caller. */
  constructor(message: string, options: { reason: AuthenticationReason; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason;
  }
}

/** The worker knows who calls, and its policy says no. */
export class AuthorizationError extends SelvageError {
  /** Always `AuthorizationError`. */
  override readonly name = "AuthorizationError";
  /** The rule that decided, `default-deny` where none matched. */
  readonly rule: string;

  /** Made where the policy decides, and rebuilt at the caller. */
  constructor(message: string, options: { rule: string }) {
    super(message);
    this.rule = options.rule;
  }
}
