/** What one verdict may cost; a chain beyond a limit is refused. */
export interface VerdictLimits {
  /** Certificates a peer may present. Default 8. */
  readonly certificates: number;
  /** Bytes of all presented certificates together. Default 32 KiB. */
  readonly chainBytes: number;
  /** Signature checks a verdict may make. Default 16. */
  readonly signatureChecks: number;
  /** Authorities between leaf and anchor, self-issued ones not counted. Default 7. */
  readonly intermediates: number;
  /** Issuer candidates looked at while searching for a path. Default 512. */
  readonly pathSteps: number;
  /** Comparisons of a name with a name constraint. Default 16,384. */
  readonly nameComparisons: number;
}

/** The limits of a verdict where nothing else is said. */
export const DEFAULT_VERDICT_LIMITS: VerdictLimits = {
  certificates: 8,
  chainBytes: 32 * 1024,
  signatureChecks: 16,
  intermediates: 7,
  pathSteps: 512,
  nameComparisons: 16_384,
};
