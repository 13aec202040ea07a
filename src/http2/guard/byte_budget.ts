/** What a connection draws on for the bytes that it holds. */
export interface HeldBytes {
  /** A connection begins to draw on it. */
  join(): void;
  /** A connection is over, and holds nothing any more. */
  leave(): void;
  /** Counts bytes that a connection holds from now on (or, below 0, no longer). */
  add(bytes: number): void;
  /** Whether a connection that holds `bytes` may be given credit before they are released. */
  hasRoom(bytes: number): boolean;
  /** Whether what is held may be views of larger buffers. */
  readonly mayPin: boolean;
  /** Whether a connection that holds `bytes` is to be cut off. */
  exceeds(bytes: number): boolean;
}

/**
 * One budget of bytes for many connections: what they received and nobody has released yet, and what
 * they queued and could not send yet. Where it is used up, connections that hold more than an equal
 * share are cut off.
 */
export class ByteBudget implements HeldBytes {
  /** The budget in bytes. */
  readonly limitBytes: number;
  #heldBytes = 0;
  #members = 0;

  /** Begins a budget of what all connections may hold together. */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** What all connections hold together. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  join(): void {
    this.#members++;
  }

  leave(): void {
    this.#members--;
  }

  add(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /**
   * Whether a connection that holds `bytes` may be given credit before they are released: less than
   * half of the budget is used, or the connection holds less than half of an equal share.
   */
  hasRoom(bytes: number): boolean {
    return this.#heldBytes * 2 < this.limitBytes || bytes * this.#members * 2 < this.limitBytes;
  }

  /**
   * Whether what is held may be views of larger buffers, which the budget does not count: an eighth of it is in use
   * at most. Such views keep up to five times their size in memory, so that all that is held stays below one and a
   * half times the budget.
   */
  get mayPin(): boolean {
    return this.#heldBytes * 8 < this.limitBytes;
  }

  exceeds(bytes: number): boolean {
    return this.#heldBytes > this.limitBytes && bytes * this.#members > this.limitBytes;
  }
}

/**
 * What the connections of one peer draw on: together they have one share of a budget, however many they are, so
 * that a peer gains nothing by another connection.
 */
export class PeerBytes implements HeldBytes {
  readonly #budget: ByteBudget;
  #heldBytes = 0;
  #connections = 0;

  /** Holds nothing yet. */
  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  join(): void {
    if (this.#connections++ === 0) this.#budget.join();
  }

  leave(): void {
    if (--this.#connections === 0) this.#budget.leave();
  }

  add(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.add(bytes);
  }

  hasRoom(): boolean {
    return this.#budget.hasRoom(this.#heldBytes);
  }

  get mayPin(): boolean {
    return this.#budget.mayPin;
  }

  exceeds(): boolean {
    return this.#budget.exceeds(this.#heldBytes);
  }
}

/** The budget of all connections that are given no other: 512 MiB. */
export const processByteBudget: ByteBudget = new ByteBudget(512 * 1024 * 1024);

/** The budget that connections draw on: one of their own where a limit is set, else that of the process. */
export function byteBudget(limitBytes: number | undefined): ByteBudget {
  return limitBytes === undefined ? processByteBudget : new ByteBudget(limitBytes);
}
