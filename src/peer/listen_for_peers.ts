import {
  type AcceptedChannel,
  type AcceptFailure,
  type Address,
  addressGroup,
  type ChannelFacts,
  type ChannelListener,
  DEFAULT_SOCKET_LIMITS,
  formatAddress,
  type ListeningState,
  listenInMemory,
  type MemoryAddress,
  type MemoryDialler,
  SocketAdmission,
  type SocketPlace,
  type TlsFacts,
} from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import { type ByteChannel, ErrorCode } from "../http2/mod.ts";
import { matchesPeer, type PeerIdentity, type PeerQuestion } from "../identity/mod.ts";
import {
  type ChannelSecurity,
  type Clock,
  systemClock,
  type UnstampedEvent,
} from "../observe/mod.ts";
import { nameAcceptFailure, type OwnShown } from "./accept_failure.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import { Generations } from "./generations.ts";
import { HeldPeer } from "./held_peer.ts";
import { type ChannelVerdict, judgeByTurns, judgeChannel, type PeerRefused } from "./judge.ts";
import type { ListenerGeneration } from "./listener_generation.ts";
import {
  CONNECTION_AGE_MS,
  DISTRUST_GRACE_MS,
  HANDSHAKE_TIMEOUT_MS,
  type ListenForPeersOptions,
  type PeerListener,
} from "./options.ts";
import { openChannels } from "./open_channels.ts";
import {
  acceptedEvent,
  noProtocolEvent,
  notAllowedEvent,
  oneTooManyEvent,
  ownNotAllowedEvent,
  refusedEvent,
  walkedOutEvent,
} from "./peer_events.ts";
import { type OwnProcess, readSecret } from "./process_secret.ts";
import { provenByRequest } from "./proven_by_request.ts";
import { refusalGoAway, refusalSettings, refuse } from "./refusal.ts";
import { RefusedSessions } from "./refused_sessions.ts";

/** How far a connection's age may lie off its mean, so that peers do not all move at once. */
const AGE_SPREAD = 0.1;

/**
 * Listens for peers, proves them, and gives each that is allowed an HTTP/2 connection. New credentials
 * make a new generation on the same port; connections of older ones finish their calls.
 *
 * @throws {ConfigurationError} where the address cannot be listened on, or the credentials cannot serve.
 */
export async function listenForPeers(
  address: Address,
  options: ListenForPeersOptions,
): Promise<PeerListener> {
  const listener = new Listener(options);
  await listener.open(address);
  return listener;
}

class Listener implements PeerListener {
  readonly #options: ListenForPeersOptions;
  readonly #clock: Clock;
  readonly #refusedSessions: RefusedSessions;
  readonly #held = new Set<HeldPeer>();
  readonly #generations: Generations | undefined;
  #subscription: Disposable | undefined;
  #channels: ChannelListener | undefined;
  #inMemory: Disposable | undefined;
  #address: Address | undefined;
  #peers = 0;
  #draining = false;
  #closed = false;

  constructor(options: ListenForPeersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#refusedSessions = new RefusedSessions(this.#clock);
    const { credentials, workerId, minTlsVersion, observer, own } = options;
    if (own !== undefined) this.#subscription = own.onChange?.(() => this.#judgeOwnAgain(own));
    if (credentials === undefined) return;
    this.#generations = new Generations(credentials.current(), {
      workerId,
      clock: this.#clock,
      minTlsVersion,
      observer,
    });
    this.#subscription = credentials.subscribe((material) => this.#rotate(material));
  }

  get address(): Address {
    if (this.#address === undefined) throw new TypeError("the listener is not open");
    return this.#address;
  }

  get security(): ChannelSecurity {
    if (this.#address?.kind === "memory") return "memory";
    if (this.#generations !== undefined) {
      return this.#generations.current.tls.mutual ? "mutual-tls" : "one-way-tls";
    }
    return this.#address?.kind === "unix" ? "unix-socket" : "plaintext";
  }

  get generation(): number {
    return this.#generations?.current.material.generation ?? 0;
  }

  async open(address: Address): Promise<void> {
    try {
      this.#address = address.kind === "memory"
        ? this.#openInMemory(address)
        : await this.#openSocket(address);
    } catch (error) {
      this.#subscription?.[Symbol.dispose]();
      throw error;
    }
    this.#generations?.tell(this.#generations.current);
  }

  connections(): readonly PeerConnection[] {
    return [...this.#held];
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopAccepting();
    for (const held of this.#held) held.leave();
    while (this.#held.size > 0) {
      await Promise.all([...this.#held].map(({ connection }) => connection.closed));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#draining = true;
    this.#closed = true;
    this.#stopAccepting();
    this.#subscription?.[Symbol.dispose]();
    await this.#channels?.[Symbol.asyncDispose]();
    const ends = [...this.#held].map(({ connection }) => {
      connection.abort(ErrorCode.NO_ERROR);
      return connection.closed;
    });
    await Promise.all(ends);
  }

  async #openSocket(address: Exclude<Address, MemoryAddress>): Promise<Address> {
    this.#channels = await openChannels(address, this.#options, this.#generations, {
      tls: () => this.#generations?.current.tls,
      handshakeTimeoutMs: this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      admission: this.#options.admission ?? new SocketAdmission(DEFAULT_SOCKET_LIMITS),
      onListening: (state) => this.#listening(address, state),
      clock: this.#clock,
      acceptsPlaintext: this.#options.acceptsPlaintext,
      refusesResumption: (remoteAddress) => this.#refusedSessions.has(remoteAddress),
      onChannel: (accepted) => this.#accept(accepted),
      onFailure: (failure) => this.#fail(failure),
    });
    return this.#channels.address;
  }

  #openInMemory(address: MemoryAddress): Address {
    this.#inMemory = listenInMemory(address, (channel, dialler) => {
      this.#acceptInMemory(address, channel, dialler);
    });
    return address;
  }

  #stopAccepting(): void {
    this.#channels?.stopAccepting();
    this.#inMemory?.[Symbol.dispose]();
  }

  /** Nothing that goes wrong with one connection may reach the loop, where it would end the process. */
  #accept(accepted: AcceptedChannel): void {
    try {
      this.#admit(accepted)?.catch((error) => this.#abandon(accepted, error));
    } catch (error) {
      this.#abandon(accepted, error);
    }
  }

  /** Closes a connection for an error of our own. */
  #abandon({ channel, facts, settle }: AcceptedChannel, error: unknown): void {
    this.#options.onFault?.(error, facts.remoteAddress);
    channel.destroy();
    settle();
  }

  #admit(accepted: AcceptedChannel): Promise<void> | void {
    const { own } = this.#options;
    if (own !== undefined) return this.#readOwn(accepted, own);
    const { facts } = accepted;
    const generations = this.#generations;
    const generation = generations?.with(accepted.acceptedWith);
    if (generations === undefined || generation === undefined || facts.tls === undefined) {
      this.#holdUnproven(accepted, undefined);
      return;
    }
    if (facts.tls.alpn !== "h2") return this.#refuseProtocol(accepted, facts.tls);
    if (!generation.tls.mutual) {
      this.#holdUnproven(accepted, generation);
      return;
    }
    return this.#prove(accepted, facts.tls, generations, generation);
  }

  #readOwn(accepted: AcceptedChannel, own: OwnProcess): void {
    readSecret(accepted.channel, own.secret, (rest) => {
      try {
        this.#acceptOwn(accepted, rest, own);
      } catch (error) {
        this.#abandon(accepted, error);
      }
    });
  }

  /** It is the process itself, under the rules for everyone. */
  #acceptOwn({ facts, place, settle }: AcceptedChannel, rest: ByteChannel, own: OwnProcess): void {
    settle();
    const identity = own.identity();
    if (identity !== "refused") {
      place.prove(identity?.name ?? facts.remoteAddress);
      this.#hold(rest, facts, identity, undefined, undefined);
      return;
    }
    refuseNotAllowed(rest);
    this.#tell(ownNotAllowedEvent(facts.remoteAddress, this.#options.allow));
  }

  #judgeOwnAgain(own: OwnProcess): void {
    const refused = own.identity() === "refused";
    for (const held of this.#held) {
      if (refused) held.distrust();
      else held.leave();
    }
  }

  /** Judges a client in turns with all else; what it sends meanwhile stays unread. */
  async #prove(
    accepted: AcceptedChannel,
    tls: TlsFacts,
    generations: Generations,
    generation: ListenerGeneration,
  ): Promise<void> {
    const { facts, channel } = accepted;
    channel.pause();
    let material: CredentialMaterial;
    let verdict: ChannelVerdict;
    do {
      // By what holds now: less may be trusted than when the handshake, or this verdict, began.
      material = generations.current.material;
      verdict = await judgeByTurns(tls, this.#question(material), () => !accepted.isOver());
    } while (material !== generations.current.material);
    if (!accepted.decide()) return;
    if (this.#closed) return channel.destroy();
    channel.resume();
    if (!verdict.trusted) return this.#refuse(accepted, tls, verdict);
    if (!accepted.place.prove(verdict.identity.name)) {
      return this.#refuseOneTooMany(accepted, verdict.identity);
    }
    accepted.settle();
    this.#hold(channel, facts, verdict.identity, generation, accepted.place)
      .expireAt(verdict.validUntil);
  }

  /** No proof is asked: its first request stands in for it. */
  #holdUnproven(
    { channel, facts, place, settle }: AcceptedChannel,
    generation: ListenerGeneration | undefined,
  ): void {
    settle();
    place.accept();
    this.#hold(channel, facts, undefined, generation, place);
  }

  #hold(
    channel: ByteChannel,
    facts: ChannelFacts,
    identity: PeerIdentity | undefined,
    generation: ListenerGeneration | undefined,
    place: SocketPlace | undefined,
  ): HeldPeer {
    this.#peers += 1;
    const { remoteAddress } = facts;
    const since = this.#clock.now();
    const peer: AcceptedPeer = { id: this.#peers, identity, facts, remoteAddress, since };
    const held = new HeldPeer(
      peer,
      generation?.material.generation ?? 0,
      this.#options.channel?.(channel) ?? channel,
      identity === undefined && place !== undefined
        ? provenByRequest(
          this.#options.onPeer(peer),
          place,
          addressGroup(remoteAddress) ?? remoteAddress,
        )
        : this.#options.onPeer(peer),
      this.#limits(),
    );
    this.#held.add(held);
    generation?.held.add(held);
    held.connection.closed.then(() => {
      this.#held.delete(held);
      if (generation !== undefined) this.#generations?.letGo(held, generation);
      if (held.walkedOut && place?.gaveWay !== true) {
        this.#tell(walkedOutEvent(held, this.#shown()));
      }
    });
    this.#tell(acceptedEvent(held));
    // Accepted under credentials that were replaced during its handshake, or while we drain.
    const isCurrent = facts.tls === undefined || generation === this.#generations?.current;
    if (this.#draining) held.leave();
    else if (!isCurrent) held.replaced();
    return held;
  }

  #judge(tls: TlsFacts, material: CredentialMaterial): ChannelVerdict {
    return judgeChannel(tls, this.#question(material));
  }

  #question({ anchors, denylist, verdict: mode = "private" }: CredentialMaterial): PeerQuestion {
    if (anchors === undefined) throw new TypeError("mutual credentials have anchors");
    const { allow: expected, verdict: limits = {} } = this.#options;
    const now = this.#clock.now();
    return { role: "client", anchors, expected, mode, denylist, now, limits };
  }

  #refuse(accepted: AcceptedChannel, tls: TlsFacts, refused: PeerRefused): void {
    const { remoteAddress } = accepted.facts;
    if (tls.resumed) this.#refusedSessions.refused(remoteAddress);
    const event = refusedEvent(remoteAddress, refused);
    // A dispatcher that does not trust us probes our certificate without one of its own: no second event.
    const quiet = refused.reason === "client-certificate-required" && accepted.onlyLooks();
    if (!quiet) this.#tell(event);
    else this.#options.observer?.metrics.handshake("worker", "probe");
    refuse(accepted, refused.peerReason, this.#clock, quiet ? () => this.#tell(event) : undefined);
  }

  #refuseOneTooMany(accepted: AcceptedChannel, identity: PeerIdentity): void {
    this.#tell(oneTooManyEvent(accepted.facts.remoteAddress, identity));
    refuse(accepted, undefined, this.#clock);
  }

  #refuseProtocol(accepted: AcceptedChannel, tls: TlsFacts): void {
    // A client that did not agree on h2 would not read a GOAWAY.
    accepted.channel.destroy();
    accepted.settle();
    this.#tell(noProtocolEvent(accepted.facts.remoteAddress, tls));
  }

  #acceptInMemory(address: MemoryAddress, channel: ByteChannel, { identity }: MemoryDialler): void {
    const text = formatAddress(address);
    const facts: ChannelFacts = { security: "memory", remoteAddress: text, localAddress: text };
    const { allow } = this.#options;
    if (identity === undefined || allow.some((pattern) => matchesPeer(pattern, identity))) {
      this.#hold(channel, facts, identity, undefined, undefined);
      return;
    }
    refuseNotAllowed(channel);
    this.#tell(notAllowedEvent(text, identity, allow));
  }

  #fail(failure: AcceptFailure): void {
    const event = nameAcceptFailure(failure, this.#shown());
    if (event !== undefined) this.#tell(event);
  }

  #listening(address: Address, state: ListeningState): void {
    const { workerId, onListening } = this.#options;
    const at = { workerId, address: formatAddress(this.#address ?? address) };
    if (state.state === "listening") this.#tell({ type: "listener.recovered", ...at });
    else {
      const { message, attempt, retryInMs } = state;
      this.#tell({ type: "listener.failed", ...at, message, attempt, retryInMs });
    }
    onListening?.(state.state === "listening");
  }

  #shown(): OwnShown | undefined {
    const certificate = this.#generations?.current.material.own?.summary;
    return certificate === undefined ? undefined : { certificate, now: this.#clock.now() };
  }

  #rotate(material: CredentialMaterial): void {
    this.#generations?.turn(material);
    this.#judgeAgain(material);
  }

  /** A peer that would not be accepted any more takes no new calls. */
  #judgeAgain(material: CredentialMaterial): void {
    if (material.mode !== "mutual") return;
    for (const held of this.#held) {
      const { tls } = held.peer.facts;
      if (tls === undefined) continue;
      // The platform was asked at the handshake; it knows nothing of today's anchors.
      const verdict = this.#judge({ ...tls, resumed: true }, material);
      if (verdict.trusted) held.expireAt(verdict.validUntil);
      else held.distrust();
    }
  }

  #limits(): { clock: Clock; distrustGraceMs: number; ageMs: number } {
    const { connectionAgeMs = CONNECTION_AGE_MS, distrustGraceMs = DISTRUST_GRACE_MS } =
      this.#options;
    const spread = 1 + AGE_SPREAD * (2 * Math.random() - 1);
    return { clock: this.#clock, distrustGraceMs, ageMs: connectionAgeMs * spread };
  }

  #tell(event: UnstampedEvent): void {
    this.#options.observer?.emit(event);
  }
}

/** Refuses a dialler of our own process, which cannot miss the reason. */
function refuseNotAllowed(channel: ByteChannel): void {
  channel.start({ received: () => {}, ended: () => {}, closed: () => {} });
  channel.write(refusalSettings(), () => {});
  channel.write(refusalGoAway("subject-not-allowed"), () => {});
  channel.end();
}
