/** Whether two names are one (RFC 4343). */
export function sameName(one: string, other: string): boolean {
  return plainName(one) === plainName(other);
}

/** A name without its final dot, in lower case. */
export function plainName(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}
