/** The fields of `Fields`, each absent where it may be undefined. */
export type Present<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/**
 * The fields that are not `undefined`, to be spread into an object literal: a field that is absent is not the same
 * as one that is `undefined` (`exactOptionalPropertyTypes`). Code that runs once a call spreads by a condition
 * instead, which is faster.
 */
export function present<Fields extends object>(fields: Fields): Present<Fields> {
  const found: Present<Fields> = {};
  for (const key in fields) {
    if (fields[key] !== undefined) found[key] = fields[key] as Present<Fields>[typeof key];
  }
  return found;
}
