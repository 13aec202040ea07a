/** What one verdict may cost; a chain beyond a limit is refused. */
export interface VerdictLimits {
  /** Certificates that are read while a path is searched; others that are presented are passed over. Default 8. */
  readonly certificates: number;
  /** Bytes of all presented certificates together, anchors not counted. Default 32 KiB. */
  readonly chainBytes: number;
  /** Authorities between leaf and anchor, self-issued ones not counted. Default 7. */
  readonly intermediates: number;
  /**
   * All that is done, priced in microseconds of one core of an AMD EPYC. Default 3,600, which is less than four times
   * what a leaf and one P-256 intermediate cost where nothing is remembered.
   */
  readonly work: number;
}

/** The limits of a verdict where nothing else is said. */
export const DEFAULT_VERDICT_LIMITS: VerdictLimits = {
  certificates: 8,
  chainBytes: 32 * 1024,
  intermediates: 7,
  work: 3600,
};

/**
 * What a verdict may do at most, as a multiple of `work`, where it checks costly signatures of authorities that hold:
 * those are remembered. So a leaf under three P-384 intermediates is accepted whose certificates are large, and all
 * stays below four ordinary verdicts.
 */
export const SHARE_WITH_AUTHORITIES = 1.08;

/** What is left of `work` where the platform has refused already, so that only the reason is sought. */
export const SHARE_FOR_A_REASON = 0.75;
/** Entries of a chain beyond which none is examined; a bundle of public roots has 150. */
export const MAX_CHAIN_ENTRIES = 512;
