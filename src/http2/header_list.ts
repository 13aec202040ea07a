/**
 * A header or trailer section as a flat list: name, value, name, value; pseudo-headers first.
 * Names are lower case. One list object that is sent again and again is encoded once for each state
 * of the compression table, so keep and reuse it where the fields do not change; a list that has been
 * sent is never changed. Received lists are likewise shared between requests whose blocks are equal
 * bytes: they may be used as `WeakMap` keys, and must not be changed.
 */
export type HeaderList = readonly string[];

/** The first value of `name` in a list, or `undefined`. */
export function headerValue(fields: HeaderList, name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] === name) return fields[at + 1];
  }
  return undefined;
}
