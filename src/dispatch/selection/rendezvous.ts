/**
 * How much `member` wants `key` (rendezvous hashing): the member with the highest score gets it.
 * When a member leaves, only its keys move, each to the next in its own order.
 */
export function rendezvousScore(key: string, member: string): number {
  return combinedScore(hashOfKey(key), hashOfMember(member));
}

/** The part of a score that depends on the key alone. */
export function hashOfKey(key: string): number {
  return hash(key, 0x811c9dc5);
}

/** The part of a score that depends on the member alone. */
export function hashOfMember(member: string): number {
  return Math.imul(hash(member, 0x01000193), 0x9e3779b1) >>> 0;
}

/** The score of both. */
export function combinedScore(keyHash: number, memberHash: number): number {
  return mix(keyHash ^ memberHash);
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string, seed: number): number {
  let state = seed;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  return mix(state);
}

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let state = value;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
