import type { PeerReason } from "../errors/mod.ts";
import {
  ErrorCode,
  openServerConnection,
  type ServerConnection,
  type ServerConnectionOptions,
} from "../http2/mod.ts";
import type { ByteChannel } from "../http2/mod.ts";
import { type Clock, whenDue } from "../observe/mod.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import { AnsweringFlight } from "./first_flight.ts";
import { refusalData } from "./refusal.ts";
import { IGNORED } from "./ignored_stream.ts";

/**
 * How long a connection is kept at least where newer credentials replace those that it was accepted with, in
 * milliseconds: where they change faster than a handshake takes, calls would find no connection that lasts.
 */
export const LEAST_STAY_MS = 250;

/** How long a peer's connection may last. */
export interface HeldPeerLimits {
  readonly clock: Clock;
  /** What calls may still take once the peer is distrusted, in milliseconds. */
  readonly distrustGraceMs: number;
  /** When the connection is asked to leave because it is old, in milliseconds from now. */
  readonly ageMs: number;
}

/**
 * The connection of an accepted peer, and how long it may last.
 *
 * `taking` calls → `leaving`: asked to go, finishes its calls at leisure → over. From either to
 * `distrusted`: takes no call from this moment, and is cut off when the grace is over, unless it is trusted again
 * before, which makes it `leaving`.
 */
export class HeldPeer implements PeerConnection {
  readonly peer: AcceptedPeer;
  readonly connection: ServerConnection;
  readonly generation: number;
  /** What the peer presented, for judging it again. */
  readonly chain: readonly Uint8Array[];
  readonly #limits: HeldPeerLimits;
  readonly #age: Disposable;
  /** The last millisecond of the way that proves the peer, since the epoch. */
  #validUntil = Infinity;
  #lapsed: (() => void) | undefined;
  #expiry: Disposable | undefined;
  #grace: Disposable | undefined;
  #leaveTimer: Disposable | undefined;
  #state: "taking" | "leaving" | "distrusted" = "taking";
  #distrustedFor: PeerReason | undefined;
  /** Judges the peer by trust that has changed since it was judged; undefined where it has not. */
  #doubt: (() => void) | undefined;
  /** By the clock's steady time. */
  readonly #begunAt: number;
  /** Our SETTINGS leave with the answer to what the peer sends first. */
  readonly #flight: AnsweringFlight;

  constructor(
    peer: AcceptedPeer,
    generation: number,
    channel: ByteChannel,
    options: ServerConnectionOptions,
    limits: HeldPeerLimits,
  ) {
    this.peer = peer;
    this.generation = generation;
    this.chain = peer.facts.tls?.peerChain ?? [];
    this.#limits = limits;
    this.#begunAt = limits.clock.steady();
    this.#flight = new AnsweringFlight(channel);
    this.connection = openServerConnection(this.#flight, {
      ...options,
      onRequest: (stream, fields, endStream) => {
        // Timers come late, and later still where the machine was suspended.
        if (limits.clock.now() > this.#validUntil) this.#lapse();
        this.settle();
        if (this.#state !== "distrusted") return options.onRequest(stream, fields, endStream);
        stream.reset(ErrorCode.REFUSED_STREAM);
        return IGNORED;
      },
    });
    this.#age = limits.clock.schedule(() => this.leave(), limits.ageMs, { shared: true });
    this.connection.closed.then(() => this.#release());
  }

  get takesCalls(): boolean {
    return this.#state === "taking" && this.connection.state === "open";
  }

  /** Whether the peer, without being asked to leave, left before it had sent a single byte. */
  get leftUnused(): boolean {
    return this.#state === "taking" && !this.#flight.isHeard;
  }

  /**
   * Trust has changed: the peer is judged before its next call begins, or when {@linkcode HeldPeer.settle} is called.
   * Returns whether it was not in doubt before.
   */
  doubt(judge: () => void): boolean {
    const isNew = this.#doubt === undefined;
    this.#doubt = judge;
    return isNew;
  }

  /** Judges the peer where it is in doubt. */
  settle(): void {
    const judge = this.#doubt;
    this.#doubt = undefined;
    judge?.();
  }

  /**
   * Calls `lapsed` once what proves the peer is no longer valid: at that time, or at its first call after it. Another
   * way may prove it still, as where its authority has been renewed.
   */
  expireAt(validUntil: number, lapsed: () => void): void {
    this.#expiry?.[Symbol.dispose]();
    this.#validUntil = validUntil;
    this.#lapsed = lapsed;
    const { clock } = this.#limits;
    this.#expiry = whenDue(clock, () => validUntil + 1 - clock.now(), () => this.#lapse());
  }

  /** Asks the peer to go elsewhere with new calls; those under way finish. */
  leave(): void {
    if (this.#state !== "taking") return;
    this.#state = "leaving";
    this.connection.shutdown();
  }

  /** Newer credentials than its own serve new connections: asks the peer to go, once it has stayed a little. */
  replaced(): void {
    if (this.#state !== "taking" || this.#leaveTimer !== undefined) return;
    const { clock } = this.#limits;
    const leftMs = this.#begunAt + LEAST_STAY_MS - clock.steady();
    if (leftMs <= 0) this.leave();
    else this.#leaveTimer = clock.schedule(() => this.leave(), leftMs);
  }

  /**
   * Takes no new call from this moment; those under way may finish within the grace. The peer receives the reason, and
   * where it is distrusted again for another one, the last.
   */
  distrust(reason: PeerReason): void {
    this.#distrustedFor = reason;
    if (this.#state === "distrusted") return;
    const { clock, distrustGraceMs } = this.#limits;
    if (this.#state === "taking") this.connection.shutdown();
    this.#state = "distrusted";
    this.#grace = clock.schedule(() => {
      const data = refusalData(this.#distrustedFor!);
      this.connection.abort(ErrorCode.INADEQUATE_SECURITY, data);
    }, distrustGraceMs);
  }

  /** The peer is trusted, again where it was not: it is not cut off, and calls under way finish at leisure. */
  trust(): void {
    if (this.#state !== "distrusted") return;
    this.#state = "leaving";
    this.#grace?.[Symbol.dispose]();
  }

  #lapse(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#validUntil = Infinity;
    this.#lapsed?.();
  }

  #release(): void {
    this.#doubt = undefined;
    this.#age[Symbol.dispose]();
    this.#expiry?.[Symbol.dispose]();
    this.#grace?.[Symbol.dispose]();
    this.#leaveTimer?.[Symbol.dispose]();
  }
}
