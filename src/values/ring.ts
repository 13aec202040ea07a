/**
 * Values that come and go, in the order in which they came. For what a `Set` would hold as long as a connection or a call
 * lasts: the tables that a busy `Set` or `Map` of V8 outgrows keep each other, and all that they ever held, until the
 * whole heap is collected (`findings/v8_outgrown_tables.sh`).
 */
export class Ring<Value> implements Iterable<Value> {
  #first: Member<Value> | undefined;
  #last: Member<Value> | undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The one that came first. */
  get first(): Value | undefined {
    return this.#first?.value;
  }

  /** Adds a value behind all others. */
  add(value: Value): Member<Value> {
    const member = new Member(value, this, this.#last);
    if (this.#last === undefined) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
    this.#size += 1;
    return member;
  }

  /** Removes a member of this ring; of one that has left, or is in another ring, nothing changes. */
  remove(member: Member<Value>): void {
    if (member.ring !== this) return;
    const { previous, next } = member;
    // V8 makes those that last old: they would keep the members after them from being collected young.
    member.previous = member.next = member.ring = undefined;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#size -= 1;
  }

  /** Those that came first, at most that many. */
  oldest(most: number): Value[] {
    const values: Value[] = [];
    for (let at = this.#first; at !== undefined && values.length < most; at = at.next) {
      values.push(at.value);
    }
    return values;
  }

  /** Those that are in it when the iteration begins: what is added or removed meanwhile changes nothing. */
  [Symbol.iterator](): Iterator<Value> {
    return this.oldest(Infinity).values();
  }
}

/** A value in its place among the others. */
export class Member<Value> {
  readonly value: Value;
  /** Where it is; none once it has left. */
  ring: Ring<Value> | undefined;
  previous: Member<Value> | undefined;
  next: Member<Value> | undefined = undefined;

  /** Behind another, or at the beginning. */
  constructor(value: Value, ring: Ring<Value>, previous: Member<Value> | undefined) {
    this.value = value;
    this.ring = ring;
    this.previous = previous;
  }

  /** Removes it from its ring; nothing where it has left already. */
  leave(): void {
    this.ring?.remove(this);
  }
}
