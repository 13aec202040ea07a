import {
  addressGroup,
  type ChannelFacts,
  type SocketPlace,
  type TlsFacts,
} from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import { type ByteChannel, ErrorCode } from "../http2/mod.ts";
import type { PeerIdentity } from "../identity/mod.ts";
import type { Clock, UnstampedEvent } from "../observe/mod.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import type { Generations } from "./generations.ts";
import { HeldPeer, type HeldPeerLimits } from "./held_peer.ts";
import { clientQuestion, judgeChannel } from "./judge.ts";
import { type JudgingTurns, judgingTurns } from "./judging_turns.ts";
import type { ListenerGeneration } from "./listener_generation.ts";
import { CONNECTION_AGE_MS, DISTRUST_GRACE_MS, type ListenForPeersOptions } from "./options.ts";
import { acceptedEvent, distrustedEvent, leftUnusedEvent } from "./peer_events.ts";
import type { OwnProcess } from "./process_secret.ts";
import { provenByRequest } from "./proven_by_request.ts";
import { readRefusal } from "./refusal.ts";
import { NO_BYTES, Ring } from "../values/mod.ts";

/** How far a connection's age may lie off its mean, so that peers do not all move at once. */
const AGE_SPREAD = 0.1;

/** What a connection was accepted with, as far as there is such. */
export interface HeldWith {
  readonly identity?: PeerIdentity | undefined;
  readonly generation?: ListenerGeneration | undefined;
  readonly place?: SocketPlace | undefined;
}

/** The connections of the peers that a listener has accepted. */
export class HeldPeers {
  readonly #options: ListenForPeersOptions;
  readonly #clock: Clock;
  readonly #generations: Generations | undefined;
  readonly #emit: (event: UnstampedEvent) => void;
  readonly #judgingTurns: JudgingTurns;
  readonly #held = new Ring<HeldPeer>();
  #count = 0;
  #draining = false;

  constructor(
    options: ListenForPeersOptions,
    clock: Clock,
    generations: Generations | undefined,
    emit: (event: UnstampedEvent) => void,
  ) {
    this.#judgingTurns = options.judgingTurns ?? judgingTurns;
    this.#options = options;
    this.#clock = clock;
    this.#generations = generations;
    this.#emit = emit;
  }

  /** Those that are open. */
  get all(): readonly PeerConnection[] {
    return [...this.#held];
  }

  /** Gives an accepted peer its HTTP/2 connection. */
  hold(
    channel: ByteChannel,
    facts: ChannelFacts,
    { identity, generation, place }: HeldWith,
  ): HeldPeer {
    this.#count += 1;
    const { remoteAddress } = facts;
    const since = this.#clock.now();
    const peer: AcceptedPeer = { id: this.#count, identity, facts, remoteAddress, since };
    const options = this.#options.onPeer(peer);
    const held = new HeldPeer(
      peer,
      generation?.material.generation ?? 0,
      this.#options.channel?.(channel) ?? channel,
      identity === undefined && place !== undefined
        ? provenByRequest(options, place, addressGroup(remoteAddress) ?? remoteAddress)
        : options,
      this.#limits(),
    );
    const member = this.#held.add(held);
    const ofGeneration = generation?.held.add(held);
    held.connection.closed.then((end) => {
      member.leave();
      ofGeneration?.leave();
      if (generation !== undefined) this.#generations?.left(generation);
      if (held.leftUnused && place?.evicted !== true) {
        this.#emit(leftUnusedEvent(held, this.#generations?.shown()));
      }
      const word = readRefusal(end.code, end.debugData ?? NO_BYTES);
      if (end.how === "accused" && word !== undefined) {
        const isCurrent = generation === this.#generations?.current;
        // What it has seen of us is what a later generation shows no longer.
        this.#emit(distrustedEvent(held, word, isCurrent ? this.#generations?.shown() : undefined));
      }
    });
    this.#emit(acceptedEvent(held));
    // Accepted under credentials that were replaced during its handshake, or while we drain.
    const isCurrent = facts.tls === undefined || generation === this.#generations?.current;
    if (this.#draining) held.leave();
    else if (!isCurrent) held.replaced();
    return held;
  }

  /**
   * A peer that would not be accepted any more takes no new calls: each is judged before its next call begins, and
   * all of them within some turns of the event loop.
   */
  judgeAgain(material: CredentialMaterial): void {
    if (material.mode !== "mutual") return;
    for (const held of this.#held) this.#doubt(held, material);
  }

  /** Judges a peer anew when what proves it is no longer valid. */
  expireAt(held: HeldPeer, validUntil: number): void {
    held.expireAt(validUntil, () => {
      const material = this.#generations?.current.material;
      if (material?.mode === "mutual") this.#doubt(held, material);
      else held.distrust("certificate-expired");
    });
  }

  #doubt(held: HeldPeer, material: CredentialMaterial): void {
    const { tls } = held.peer.facts;
    if (tls === undefined) return;
    if (held.doubt(() => this.#judge(held, tls, material))) {
      this.#judgingTurns.take(() => held.settle());
    }
  }

  #judge(held: HeldPeer, tls: TlsFacts, material: CredentialMaterial): void {
    const question = clientQuestion(material, this.#options, this.#clock.now());
    // The platform was asked at the handshake; it knows nothing of today's anchors.
    const verdict = judgeChannel({ ...tls, resumed: true }, question);
    if (!verdict.trusted) return held.distrust(verdict.peerReason);
    held.trust();
    this.expireAt(held, verdict.validUntil);
  }

  /** The same for those of the process itself. */
  judgeOwnAgain(own: OwnProcess): void {
    const refused = own.identity() === "refused";
    for (const held of this.#held) {
      if (refused) {
        held.distrust("subject-not-allowed");
      } else {
        held.trust();
        held.leave();
      }
    }
  }

  /** Takes no new calls, and resolves when those in flight are over. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const held of this.#held) held.leave();
    while (this.#held.size > 0) {
      await Promise.all([...this.#held].map(({ connection }) => connection.closed));
    }
  }

  /** Ends all connections at once. */
  async abort(): Promise<void> {
    this.#draining = true;
    const ends = [...this.#held].map(({ connection }) => {
      connection.abort(ErrorCode.NO_ERROR);
      return connection.closed;
    });
    await Promise.all(ends);
  }

  #limits(): HeldPeerLimits {
    const { connectionAgeMs = CONNECTION_AGE_MS, distrustGraceMs = DISTRUST_GRACE_MS } =
      this.#options;
    const spread = 1 + AGE_SPREAD * (2 * Math.random() - 1);
    return { clock: this.#clock, distrustGraceMs, ageMs: connectionAgeMs * spread };
  }
}
