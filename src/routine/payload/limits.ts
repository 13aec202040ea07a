/** What a payload may be; one that is more is neither written nor read. */
export interface PayloadLimits {
  /** How large one may become that is written, in bytes; the message bounds one that is read. Default 4 MiB. */
  readonly bytes: number;
  /** How deep a value may nest: that many containers, one in another. Default 64. */
  readonly depth: number;
  /**
   * How many arrays, objects, maps, sets and byte strings one may hold. Each takes one byte on the wire and
   * some two hundred in memory, so this is what bounds the memory that a payload costs. Default 262,144.
   */
  readonly containers: number;
  /**
   * How many properties of objects, entries of maps and members of sets it may hold together: each
   * takes some fifty bytes in memory. Default 524,288.
   */
  readonly entries: number;
}

/** The default of every limit. */
export const DEFAULT_PAYLOAD_LIMITS: PayloadLimits = {
  bytes: 4 * 1024 * 1024,
  depth: 64,
  containers: 262_144,
  entries: 524_288,
};
