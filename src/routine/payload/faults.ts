/** Thrown where a value cannot be written; `explainUnsendable` says which part of it, and why. */
export const UNSENDABLE: unique symbol = Symbol("unsendable");

/** Thrown where what is written passes the limit. */
export const TOO_LARGE: unique symbol = Symbol("too large");

/** Thrown where a payload cannot be read. */
export class Malformed {
  /** What is wrong, a clause to follow "the payload". */
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}
