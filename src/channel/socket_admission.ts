import { type Member, Ring } from "../values/mod.ts";

/** How many accepted sockets a worker holds, by what is known of the peer behind them. */
export interface SocketLimits {
  /** Sockets at once, of any state. */
  readonly connections: number;
  /** Sockets at once of peers of one address that have proven nothing; a /64 of IPv6 is one address. */
  readonly connectionsPerAddress: number;
  /** Sockets at once of one proven identity. */
  readonly connectionsPerIdentity: number;
  /** Sockets at once between accept and verdict, and refused ones until they are closed. */
  readonly pendingHandshakes: number;
}

/** The limit for which a socket was closed, or not taken. */
export type SocketLimit = keyof SocketLimits;

/** One accepted socket, as it is counted from its accept until its descriptor is released. */
export interface SocketPlace {
  /** Whether the socket was closed because of a limit. */
  readonly evicted: boolean;
  /** The peer has sent something. */
  speak(): void;
  /** The verdict asked for no proof: the peer stays unproven until {@linkcode SocketPlace.prove}. */
  accept(): void;
  /**
   * The peer is proven to be `identity`; its socket never gives way to another one from now on.
   *
   * @returns Whether it may stay: `false` where that identity has as many connections as it may.
   */
  prove(identity: string): boolean;
  /** The descriptor is released. Further calls have no effect. */
  close(): void;
}

/**
 * Counts the accepted sockets of a worker over all of its listeners, and decides which one is closed
 * where there are too many.
 *
 * A socket is `pending` → `unproven` (where no proof is asked) → `proven` → `closed`, or `closing` from
 * `pending` and `unproven` once it has given way. A peer that has proven nothing closes no connection of one
 * that has: among the others the oldest gives way first, and of those the oldest that has sent nothing while they
 * are half of all, so that no number of silent connections displaces a client in its handshake.
 */
export class SocketAdmission {
  readonly #limits: SocketLimits;
  /** Pending and unproven sockets. */
  readonly #strangers = new Strangers();
  readonly #pending = new Strangers();
  readonly #byAddress = new Map<string, Strangers>();
  readonly #byIdentity = new Map<string, number>();
  readonly #moves: Moves = {
    speak: (place) => this.#speak(place),
    accept: (place) => this.#accept(place),
    prove: (place, identity) => this.#prove(place, identity),
    close: (place) => this.#close(place),
  };
  #open = 0;

  /** Counts nothing yet. */
  constructor(limits: SocketLimits) {
    this.#limits = limits;
  }

  /** Sockets whose descriptors are not released. */
  get open(): number {
    return this.#open;
  }

  /** Sockets of peers that have proven nothing, without those that are being closed. */
  get unproven(): number {
    return this.#strangers.size;
  }

  /**
   * Counts a socket that was accepted, and makes place for it.
   *
   * @param address What its peer's address counts as, see {@linkcode addressGroup}; `undefined` where it has none.
   * @param evict Closes the socket, because of that limit; it stays counted until it is closed.
   * @returns Its place; a socket for which there is none is closed.
   */
  admit(address: string | undefined, evict: (limit: SocketLimit) => void): SocketPlace {
    const place = new Place(this.#moves, address, evict);
    const { connections, connectionsPerAddress, pendingHandshakes } = this.#limits;
    const near = address === undefined ? undefined : this.#byAddress.get(address);
    this.#open += 1;
    const isCrowded = near !== undefined && near.size >= connectionsPerAddress;
    if (isCrowded) this.#evict(near.next(), "connectionsPerAddress");
    // Where no proof is asked, what has given way may have been no handshake any more.
    if (this.#pending.size >= pendingHandshakes) {
      this.#evict(this.#pending.next(), "pendingHandshakes");
    } else if (!isCrowded && this.#open > connections) {
      const next = this.#strangers.next();
      if (next === undefined) {
        place.evict("connections");
        return place;
      }
      this.#evict(next, "connections");
    }
    this.#add(place);
    return place;
  }

  #speak(place: Place): void {
    if (place.spoke) return;
    place.spoke = true;
    for (const seat of [place.among, place.pending, place.near]) seat?.speaks();
  }

  #accept(place: Place): void {
    if (place.state !== "pending") return;
    place.pending = place.pending?.leave();
    place.state = "unproven";
  }

  #prove(place: Place, identity: string): boolean {
    if (place.state === "proven") return true;
    if (place.state !== "pending" && place.state !== "unproven") return false;
    const count = this.#byIdentity.get(identity) ?? 0;
    if (count >= this.#limits.connectionsPerIdentity) return false;
    this.#remove(place);
    this.#byIdentity.set(identity, count + 1);
    place.identity = identity;
    place.state = "proven";
    return true;
  }

  #close(place: Place): void {
    if (place.state === "closed") return;
    this.#remove(place);
    if (place.identity !== undefined) {
      const left = (this.#byIdentity.get(place.identity) ?? 1) - 1;
      if (left === 0) this.#byIdentity.delete(place.identity);
      else this.#byIdentity.set(place.identity, left);
    }
    place.state = "closed";
    this.#open -= 1;
  }

  #evict(place: Place | undefined, limit: SocketLimit): void {
    if (place === undefined) return;
    this.#remove(place);
    place.evict(limit);
  }

  #add(place: Place): void {
    place.among = new Seat(this.#strangers, place);
    place.pending = new Seat(this.#pending, place);
    const { address } = place;
    if (address === undefined) return;
    let near = this.#byAddress.get(address);
    if (near === undefined) this.#byAddress.set(address, near = new Strangers());
    place.near = new Seat(near, place);
  }

  #remove(place: Place): void {
    const { address, near } = place;
    place.among = place.among?.leave();
    place.pending = place.pending?.leave();
    place.near = near?.leave();
    if (address !== undefined && near?.strangers.size === 0) this.#byAddress.delete(address);
  }
}

/** How a place changes its state. */
interface Moves {
  speak(place: Place): void;
  accept(place: Place): void;
  prove(place: Place, identity: string): boolean;
  close(place: Place): void;
}

class Place implements SocketPlace {
  readonly address: string | undefined;
  state: "pending" | "unproven" | "proven" | "closing" | "closed" = "pending";
  spoke = false;
  identity: string | undefined;
  /** Where it sits among those that have proven nothing, those on which no verdict has fallen, and those of its address. */
  among: Seat | undefined;
  pending: Seat | undefined;
  near: Seat | undefined;
  readonly #moves: Moves;
  readonly #close: (limit: SocketLimit) => void;
  #evicted = false;

  constructor(
    moves: Moves,
    address: string | undefined,
    evict: (limit: SocketLimit) => void,
  ) {
    this.#moves = moves;
    this.address = address;
    this.#close = evict;
  }

  evict(limit: SocketLimit): void {
    this.state = "closing";
    this.#evicted = true;
    this.#close(limit);
  }

  get evicted(): boolean {
    return this.#evicted;
  }

  speak(): void {
    this.#moves.speak(this);
  }

  accept(): void {
    this.#moves.accept(this);
  }

  prove(identity: string): boolean {
    return this.#moves.prove(this, identity);
  }

  close(): void {
    this.#moves.close(this);
  }
}

/** Sockets of peers that have proven nothing, and which of them gives way next. */
class Strangers {
  readonly silent = new Ring<Place>();
  readonly speaking = new Ring<Place>();

  get size(): number {
    return this.silent.size + this.speaking.size;
  }

  /** The oldest that has sent nothing, as long as those are half of all; else the oldest of the others. */
  next(): Place | undefined {
    return (this.silent.size >= this.speaking.size ? this.silent : this.speaking).first;
  }
}

/** A place among strangers, silent until it speaks. */
class Seat {
  readonly strangers: Strangers;
  #member: Member<Place>;

  constructor(strangers: Strangers, place: Place) {
    this.strangers = strangers;
    this.#member = strangers.silent.add(place);
  }

  speaks(): void {
    this.#member.leave();
    this.#member = this.strangers.speaking.add(this.#member.value);
  }

  leave(): undefined {
    this.#member.leave();
  }
}

/**
 * What a peer's address counts as: an IPv4 address as it is, also on a dual-stack listener, an IPv6 address as its /64, which one
 * subscriber usually has (RFC 6177 §2), all of one unix socket together, and nothing where there is no socket.
 *
 * @param remoteAddress `HOST:PORT` or `[IPv6]:PORT`, as the system reports it, or `unix:PATH`.
 */
export function addressGroup(remoteAddress: string): string | undefined {
  if (remoteAddress.startsWith("memory:")) return undefined;
  if (remoteAddress.startsWith("unix:")) return remoteAddress;
  const v4 = /^\[::ffff:(\d+\.\d+\.\d+\.\d+)\]/i.exec(remoteAddress)?.[1];
  if (v4 !== undefined) return v4;
  const v6 = /^\[([0-9a-f:.]+)(?:%[^\]]*)?\]/i.exec(remoteAddress)?.[1];
  if (v6 === undefined) return remoteAddress.replace(/:\d+$/, "");
  const [head = "", tail] = v6.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  // An embedded IPv4 address stands for two groups; it is never among the first four.
  const zeros = 8 - left.length - right.length - (v6.includes(".") ? 1 : 0);
  const groups = [...left, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...right];
  return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}
