import {
  type AcceptedChannel,
  type AcceptFailure,
  type Address,
  type ChannelFacts,
  type ChannelListener,
  formatAddress,
  listenFixed,
  type ListenFixedOptions,
  listenForChannels,
  listenInMemory,
  type MemoryAddress,
  type MemoryDialler,
  type TlsFacts,
  type TlsIdentity,
} from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import { ConfigurationError, type PeerReason } from "../errors/mod.ts";
import { type ByteChannel, ErrorCode } from "../http2/mod.ts";
import { matchesPeer, type PeerIdentity, type PeerQuestion } from "../identity/mod.ts";
import { type ChannelSecurity, type Clock, systemClock } from "../observe/mod.ts";
import { nameAcceptFailure, type RefusalEvent } from "./accept_failure.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import { HeldPeer } from "./held_peer.ts";
import { type ChannelVerdict, judgeChannel } from "./judge.ts";
import { ListenerGeneration } from "./listener_generation.ts";
import {
  CONNECTION_AGE_MS,
  DISTRUST_GRACE_MS,
  HANDSHAKE_TIMEOUT_MS,
  type ListenForPeersOptions,
  type PeerListener,
} from "./options.ts";
import { refusalBytes, refuse } from "./refusal.ts";
import { RefusedSessions } from "./refused_sessions.ts";
import { oldestVersion } from "./tls_contexts.ts";

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
  #leaving: ListenerGeneration[] = [];
  #current: ListenerGeneration | undefined;
  #subscription: Disposable | undefined;
  #channels: ChannelListener | undefined;
  #inMemory: Disposable | undefined;
  #address: Address | undefined;
  #peers = 0;
  #draining = false;

  constructor(options: ListenForPeersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#refusedSessions = new RefusedSessions(this.#clock);
    const { credentials } = options;
    if (credentials === undefined) return;
    this.#current = this.#generationOf(credentials.current());
    this.#subscription = credentials.subscribe((material) => this.#rotate(material));
  }

  get address(): Address {
    if (this.#address === undefined) throw new TypeError("the listener is not open");
    return this.#address;
  }

  get security(): ChannelSecurity {
    if (this.#address?.kind === "memory") return "memory";
    if (this.#current !== undefined) return this.#current.tls.mutual ? "mutual-tls" : "one-way-tls";
    return this.#address?.kind === "unix" ? "unix-socket" : "plaintext";
  }

  get generation(): number {
    return this.#current?.material.generation ?? 0;
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
    this.#tellGeneration(this.#current);
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
    const options: ListenFixedOptions = {
      handshakeTimeoutMs: this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      clock: this.#clock,
      onChannel: (accepted) => this.#accept(accepted),
      onFailure: (failure) => this.#fail(failure),
    };
    const identity = this.#fixedIdentity();
    this.#channels = identity !== undefined && address.kind === "tcp"
      ? listenFixed(address, identity, options)
      : await listenForChannels(address, {
        ...options,
        tls: () => this.#current?.tls,
        refusesResumption: (remoteAddress) => this.#refusedSessions.has(remoteAddress),
      });
    return this.#channels.address;
  }

  /** The certificate to listen with for good, where one-way TLS and fixed credentials allow that. */
  #fixedIdentity(): TlsIdentity | undefined {
    const own = this.#current?.material.own;
    if (this.#options.credentials?.fixed !== true || own === undefined) return undefined;
    return this.#current?.tls.mutual === false
      ? { certificate: own.certPem, key: own.keyPem }
      : undefined;
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

  #accept(accepted: AcceptedChannel): void {
    const { facts } = accepted;
    const generation = this.#generationWith(accepted);
    if (facts.tls === undefined || generation === undefined) {
      accepted.settle();
      this.#hold(accepted.channel, facts, undefined, undefined);
      return;
    }
    if (facts.tls.alpn !== "h2") return this.#refuseProtocol(accepted, facts.tls);
    if (!generation.tls.mutual) {
      accepted.settle();
      this.#hold(accepted.channel, facts, undefined, generation);
      return;
    }
    // By what holds now: less may be trusted than when the handshake began.
    const { material } = this.#current ?? generation;
    const verdict = this.#judge(facts.tls, material);
    if (!verdict.trusted) return this.#refuse(accepted, facts.tls, verdict);
    accepted.settle();
    this.#hold(accepted.channel, facts, verdict.identity, generation)?.expireAt(verdict.validUntil);
  }

  /** The generation that a handshake was done under; another may have become current since. */
  #generationWith({ acceptedWith }: AcceptedChannel): ListenerGeneration | undefined {
    if (acceptedWith === undefined || acceptedWith === this.#current?.tls) return this.#current;
    return this.#leaving.find(({ tls }) => tls === acceptedWith) ?? this.#current;
  }

  #hold(
    channel: ByteChannel,
    facts: ChannelFacts,
    identity: PeerIdentity | undefined,
    generation: ListenerGeneration | undefined,
  ): HeldPeer {
    this.#peers += 1;
    const { remoteAddress } = facts;
    const peer: AcceptedPeer = { id: this.#peers, identity, facts, remoteAddress };
    const held = new HeldPeer(
      peer,
      generation?.material.generation ?? 0,
      channel,
      this.#options.onPeer(peer),
      this.#limits(),
    );
    this.#held.add(held);
    generation?.held.add(held);
    held.connection.closed.then(() => {
      this.#letGo(held, generation);
      if (held.walkedOut) this.#tell(walkedOut(held));
    });
    this.#tellAccepted(held);
    // Accepted under credentials that were replaced during its handshake, or while we drain.
    if (this.#draining || generation !== this.#current) held.leave();
    return held;
  }

  #letGo(held: HeldPeer, generation: ListenerGeneration | undefined): void {
    this.#held.delete(held);
    generation?.held.delete(held);
    if (generation?.ends() !== true) return;
    this.#leaving = this.#leaving.filter((other) => other !== generation);
    this.#tellGeneration(generation);
  }

  #judge(tls: TlsFacts, material: CredentialMaterial): ChannelVerdict {
    return judgeChannel(tls, this.#question(material));
  }

  #question({ anchors, denylist }: CredentialMaterial): PeerQuestion {
    if (anchors === undefined) throw new TypeError("mutual credentials have anchors");
    const { allow: expected } = this.#options;
    return { role: "client", anchors, expected, denylist, now: this.#clock.now() };
  }

  #refuse(
    accepted: AcceptedChannel,
    tls: TlsFacts,
    { reason, peerReason, evidence }: Exclude<ChannelVerdict, { trusted: true }>,
  ): void {
    const { remoteAddress } = accepted.facts;
    if (tls.resumed) this.#refusedSessions.refused(remoteAddress);
    const event: RefusalEvent = {
      type: "handshake.refused",
      side: "worker",
      reason: reason === "identity-mismatch" ? "subject-not-allowed" : reason,
      peer: { address: remoteAddress },
      evidence,
    };
    // A dispatcher that does not trust us comes again for a look, without a certificate: no second event.
    const quiet = reason === "client-certificate-required" && accepted.onlyLooks();
    if (!quiet) this.#tell(event);
    refuse(accepted, peerReason, this.#clock, quiet ? () => this.#tell(event) : undefined);
  }

  #refuseProtocol(accepted: AcceptedChannel, { alpn }: TlsFacts): void {
    // Whoever did not agree on h2 would not read a GOAWAY.
    accepted.channel.destroy();
    accepted.settle();
    this.#tell({
      type: "handshake.refused",
      side: "worker",
      reason: "protocol-mismatch",
      peer: { address: accepted.facts.remoteAddress },
      evidence: {
        found: `the client offered ${alpn ?? "no"} protocol by ALPN, not h2`,
        advice: "use a client that speaks HTTP/2",
      },
    });
  }

  #acceptInMemory(address: MemoryAddress, channel: ByteChannel, { identity }: MemoryDialler): void {
    const text = formatAddress(address);
    const facts: ChannelFacts = { security: "memory", remoteAddress: text, localAddress: text };
    const { allow } = this.#options;
    if (identity === undefined || allow.some((pattern) => matchesPeer(pattern, identity))) {
      this.#hold(channel, facts, identity, undefined);
      return;
    }
    this.#refuseInMemory(channel, "subject-not-allowed");
    this.#tell({
      type: "handshake.refused",
      side: "worker",
      reason: "subject-not-allowed",
      peer: { address: text, identity: identity.name },
      evidence: {
        rule: "name.no-match",
        expected: allow.map((pattern) => pattern.text),
        presented: identity.names,
      },
    });
  }

  #refuseInMemory(channel: ByteChannel, reason: PeerReason): void {
    channel.start({ received: () => {}, ended: () => {}, closed: () => {} });
    channel.write(refusalBytes(reason), () => {});
    channel.end();
  }

  #fail(failure: AcceptFailure): void {
    const summary = this.#current?.material.own?.summary;
    const own = summary === undefined ? undefined : { ...summary, now: this.#clock.now() };
    const event = nameAcceptFailure(failure, own);
    if (event !== undefined) this.#tell(event);
  }

  #rotate(material: CredentialMaterial): void {
    const before = this.#current;
    if (before === undefined) return;
    const next = before.sharesTlsWith(material) ? undefined : this.#nextGeneration(material);
    if (next === undefined) {
      before.adopt(material);
    } else {
      this.#current = next;
      this.#leaving.push(before);
      before.leave();
      this.#tellGeneration(this.#current);
      this.#tellGeneration(before);
      if (before.ends()) this.#forget(before);
    }
    this.#judgeAgain(material);
  }

  /** The next generation, or none where the platform cannot use the material: then what it serves with stays. */
  #nextGeneration(material: CredentialMaterial): ListenerGeneration | undefined {
    try {
      return this.#generationOf(material);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      this.#options.observer?.emit({
        type: "credentials.rejected",
        reason: "unsuitable",
        message: error.message,
        keptExpired: false,
        keptGeneration: this.generation,
      });
      return undefined;
    }
  }

  #forget(generation: ListenerGeneration): void {
    this.#leaving = this.#leaving.filter((other) => other !== generation);
    this.#tellGeneration(generation);
  }

  /** Whoever would not be accepted any more takes no new calls. */
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

  #generationOf(material: CredentialMaterial): ListenerGeneration {
    return new ListenerGeneration(material, this.#options.minTlsVersion ?? oldestVersion(material));
  }

  #limits(): { clock: Clock; distrustGraceMs: number; ageMs: number } {
    const { connectionAgeMs = CONNECTION_AGE_MS, distrustGraceMs = DISTRUST_GRACE_MS } =
      this.#options;
    const spread = 1 + AGE_SPREAD * (2 * Math.random() - 1);
    return { clock: this.#clock, distrustGraceMs, ageMs: connectionAgeMs * spread };
  }

  #tellAccepted({ peer, generation }: HeldPeer): void {
    const { facts } = peer;
    this.#options.observer?.emit({
      type: "peer.accepted",
      side: "worker",
      security: facts.security,
      peer: peerRef(peer),
      ...(peer.identity === undefined ? {} : { fingerprint: peer.identity.fingerprint }),
      ...(generation === 0 ? {} : { generation }),
      ...(facts.tls === undefined ? {} : { resumed: facts.tls.resumed }),
    });
  }

  #tellGeneration(generation: ListenerGeneration | undefined): void {
    if (generation !== undefined) {
      this.#options.observer?.emit(generation.event(this.#options.workerId));
    }
  }

  #tell(event: RefusalEvent): void {
    this.#options.observer?.emit(event);
  }
}

/** The client completed the handshake and left without a word: it is likely that it does not accept us. */
function walkedOut({ peer }: HeldPeer): RefusalEvent {
  return {
    type: "handshake.refused",
    side: "dispatcher",
    reason: "handshake-aborted",
    peer: peerRef(peer),
    evidence: {
      found: "the client hung up after the handshake, before it spoke HTTP/2",
      advice: "see whether the client expects another identity than this worker's certificate has",
    },
  };
}

function peerRef({ remoteAddress, identity }: AcceptedPeer): RefusalEvent["peer"] {
  return { address: remoteAddress, ...(identity === undefined ? {} : { identity: identity.name }) };
}
