/** How deep a value may nest: that many containers, one in another. */
export const MAX_DEPTH = 64;

/**
 * How many arrays, objects, maps and sets one payload may hold. A container takes one byte on the
 * wire and some two hundred in memory, so this is what bounds the memory that a payload costs.
 */
export const MAX_CONTAINERS = 262_144;

/** The largest payload, in bytes, where nothing else is said. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;
