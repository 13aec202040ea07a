/**
 * What a verdict does, by kind, and what each costs in microseconds of one core of an AMD EPYC, rounded up; a byte read is
 * priced by the costliest shape of certificate that is read at all. Only their proportions matter.
 */
const PRICES = {
  /** An entry of a presented chain, read or not. */
  entry: 5,
  /** A byte of a certificate read. */
  byte: 0.1,
  /** An issuer considered while a path is searched. */
  step: 2,
  /** A microsecond of signature checks, by {@linkcode signatureCost}. */
  signature: 1,
  /** An attribute of a directory name made comparable. */
  attribute: 2,
  /** A byte of such an attribute. */
  foldedByte: 0.1,
  /** A name compared with a constraint or a pattern. */
  comparison: 0.5,
} as const;

/** What a verdict does, by kind. */
export type WorkKind = keyof typeof PRICES;

/**
 * The work of a verdict: counted by kind as it is done, and limited as a whole. One that reaches its limit
 * ends in a refusal.
 */
export class Work {
  readonly #counts: Record<WorkKind, number> = {
    entry: 0,
    byte: 0,
    step: 0,
    signature: 0,
    attribute: 0,
    foldedByte: 0,
    comparison: 0,
  };
  #left: number;
  #returnable: number;
  #spent = 0;
  #exhausted = false;

  /**
   * Allows that much, in units of {@linkcode Work.spent}.
   *
   * @param limit what may be done. Default: any amount, only counted.
   * @param returnable how much of it {@linkcode Work.giveBack} may return in all. Default 0.
   */
  constructor(limit: number = Infinity, returnable = 0) {
    this.#left = limit;
    this.#returnable = returnable;
  }

  /** Whether something was left undone because the limit was reached. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** What was done, in microseconds of the machine the prices were measured on. */
  get spent(): number {
    return this.#spent;
  }

  /** What was done, by kind. */
  get counts(): Readonly<Record<WorkKind, number>> {
    return this.#counts;
  }

  /** Counts work that is about to be done; `false` where there is no room for it, and it must not be done. */
  allows(kind: WorkKind, count = 1): boolean {
    const cost = PRICES[kind] * count;
    if (this.#exhausted || cost > this.#left) {
      this.#exhausted = true;
      return false;
    }
    this.#counts[kind] += count;
    this.#left -= cost;
    this.#spent += cost;
    return true;
  }

  /** Makes room for some of what was done, since it will not be done a second time; as far as is allowed. */
  giveBack(cost: number): void {
    const returned = Math.min(cost, this.#returnable);
    this.#returnable -= returned;
    this.#left += returned;
  }
}
