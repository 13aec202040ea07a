/** Stands where a type cannot travel, so that the compiler's message says why. */
export interface NotSendable<Reason extends string> {
  /** Why it cannot travel. */
  readonly notSendable: Reason;
}

/**
 * `T` where all of it can travel, else a type that holds a {@linkcode NotSendable} in place of each
 * part that cannot: functions, symbols and class instances.
 *
 * What travels: strings, numbers, bigints, booleans, `null`, `undefined`, `Uint8Array`, `Date`,
 * `Map`, `Set`, arrays, and plain objects of these. A class without methods and private members is,
 * to the compiler, a plain object; an instance of one is refused when it is sent.
 */
export type Sendable<T> = unknown extends T ? T
  : T extends string | number | bigint | boolean | null | undefined | Date | Uint8Array ? T
  : T extends Error ? NotSendable<"an Error cannot be sent; throw it">
  : T extends symbol ? NotSendable<"a symbol cannot be sent">
  : T extends (...args: never) => unknown ? NotSendable<"a function cannot be sent">
  : T extends abstract new (...args: never) => unknown ? NotSendable<"a class cannot be sent">
  : T extends ReadonlyMap<infer K, infer V> ? [K, V] extends [Sendable<K>, Sendable<V>] ? T
    : NotSendable<"this Map's entries cannot be sent">
  : T extends ReadonlySet<infer V>
    ? [V] extends [Sendable<V>] ? T : NotSendable<"this Set's values cannot be sent">
  : T extends readonly (infer E)[] ? number extends T["length"] ? readonly Sendable<E>[]
    : { readonly [P in keyof T]: Sendable<T[P]> }
  : T extends object ? Pick<T, keyof T> extends T ? { readonly [P in keyof T]: Sendable<T[P]> }
    : NotSendable<"a class instance cannot be sent">
  : T;
