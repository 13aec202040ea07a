import { SelvageError } from "./selvage_error.ts";

/** What is wrong with a caller's token. */
export type AuthenticationReason =
  /** A token is required, and the call has none. */
  | "token-missing"
  /** It is not a token of the kind that is expected, or brings what no token may bring. */
  | "token-malformed"
  /** It is invalid for a reason that has no word of its own. */
  | "token-invalid"
  /** It has ended. */
  | "token-expired"
  /** Its time has not come. */
  | "token-not-yet-valid"
  /** It was issued for another audience, another worker for instance. */
  | "token-wrong-audience"
  /** It was issued by another issuer. */
  | "token-wrong-issuer"
  /** The key that it names is not known. */
  | "token-unknown-key"
  /** Its signature, or its algorithm, is not the one that is expected. */
  | "token-bad-signature"
  /** It was used before, and may be used once. */
  | "token-replayed"
  /** It is not bound to the certificate of the caller that presents it. */
  | "token-not-bound"
  /** It arrived over a connection that is not encrypted, and was not read. */
  | "token-over-plaintext"
  /** The keys to verify it by cannot be read now. */
  | "key-set-unreachable"
  /** The connection proves no identity, and one is required. */
  | "peer-unauthenticated";

/** The worker does not know who calls: a token is missing or invalid. */
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

/** The worker knows who calls, and its policy denies the call. */
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
