import {
  type AcceptedChannel,
  type AcceptFailure,
  type Address,
  type ChannelFacts,
  type ChannelListener,
  DEFAULT_SOCKET_LIMITS,
  formatAddress,
  type ListeningState,
  listenInMemory,
  type MemoryAddress,
  type MemoryDialler,
  SocketAdmission,
  type TlsFacts,
} from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import type { ByteChannel } from "../http2/mod.ts";
import { matchesPeer, type PeerIdentity } from "../identity/mod.ts";
import {
  type ChannelSecurity,
  type Clock,
  systemClock,
  type UnstampedEvent,
} from "../observe/mod.ts";
import { nameAcceptFailure } from "./accept_failure.ts";
import type { PeerConnection } from "./accepted_peer.ts";
import { Generations } from "./generations.ts";
import { HeldPeers } from "./held_peers.ts";
import { type ChannelVerdict, clientQuestion, judgeInTurns, type PeerRefused } from "./judge.ts";
import type { ListenerGeneration } from "./listener_generation.ts";
import { HANDSHAKE_TIMEOUT_MS, type ListenForPeersOptions, type PeerListener } from "./options.ts";
import { openChannels } from "./open_channels.ts";
import {
  excessConnectionEvent,
  noProtocolEvent,
  notAllowedEvent,
  ownNotAllowedEvent,
  refusedEvent,
} from "./peer_events.ts";
import { type OwnProcess, readSecret } from "./process_secret.ts";
import { refusalGoAway, refusalSettings, refuse } from "./refusal.ts";
import { RefusedSessions } from "./refused_sessions.ts";

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
  readonly #held: HeldPeers;
  readonly #generations: Generations | undefined;
  #subscription: Disposable | undefined;
  #channels: ChannelListener | undefined;
  #inMemory: Disposable | undefined;
  #address: Address | undefined;
  #closed = false;

  constructor(options: ListenForPeersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#refusedSessions = new RefusedSessions(this.#clock);
    const { credentials, workerId, minTlsVersion, observer, own } = options;
    this.#generations = credentials && new Generations(credentials.current(), {
      workerId,
      clock: this.#clock,
      minTlsVersion,
      observer,
    });
    this.#held = new HeldPeers(options, this.#clock, this.#generations, (event) => {
      this.#emit(event);
    });
    if (own !== undefined) this.#subscription = own.onChange?.(() => this.#held.judgeOwnAgain(own));
    if (credentials === undefined) return;
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
    this.#generations?.emitState(this.#generations.current);
  }

  connections(): readonly PeerConnection[] {
    return this.#held.all;
  }

  async drain(): Promise<void> {
    this.#stopAccepting();
    await this.#held.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stopAccepting();
    this.#subscription?.[Symbol.dispose]();
    await this.#channels?.[Symbol.asyncDispose]();
    await this.#held.abort();
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
  #abandon({ channel, facts, settle }: OwnChannel, error: unknown): void {
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

  /** A channel of the process itself, which shows its secret first. */
  #readOwn(accepted: OwnChannel, own: OwnProcess): void {
    readSecret(accepted.channel, own.secret, (rest) => {
      try {
        this.#acceptOwn(accepted, rest, own);
      } catch (error) {
        this.#abandon(accepted, error);
      }
    });
  }

  /** It is the process itself, under the rules for everyone. */
  #acceptOwn({ facts, place, settle }: OwnChannel, rest: ByteChannel, own: OwnProcess): void {
    settle();
    const identity = own.identity();
    if (identity === "refused") {
      refuseNotAllowed(rest);
      this.#emit(ownNotAllowedEvent(facts.remoteAddress, this.#options.allow));
      return;
    }
    this.#held.hold(rest, facts, { identity });
    place?.prove(identity?.name ?? facts.remoteAddress);
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
      const question = clientQuestion(material, this.#options, this.#clock.now());
      verdict = await judgeInTurns(tls, question, () => !accepted.isOver());
    } while (material !== generations.current.material);
    if (!accepted.decide()) return;
    if (this.#closed) return channel.destroy();
    channel.resume();
    if (!verdict.trusted) return this.#refuse(accepted, tls, verdict);
    if (!accepted.place.prove(verdict.identity.name)) {
      return this.#refuseExcess(accepted, verdict.identity);
    }
    accepted.settle();
    const { identity } = verdict;
    const held = this.#held.hold(channel, facts, { identity, generation, place: accepted.place });
    this.#held.expireAt(held, verdict.validUntil);
  }

  /** No proof is asked: its first request stands in for it. */
  #holdUnproven(
    { channel, facts, place, settle }: AcceptedChannel,
    generation: ListenerGeneration | undefined,
  ): void {
    settle();
    place.accept();
    this.#held.hold(channel, facts, { generation, place });
  }

  #refuse(accepted: AcceptedChannel, tls: TlsFacts, refused: PeerRefused): void {
    const { remoteAddress } = accepted.facts;
    if (tls.resumed) this.#refusedSessions.refused(remoteAddress);
    const event = refusedEvent(remoteAddress, refused);
    // A dispatcher that does not trust us probes our certificate without one of its own: no second event.
    const quiet = refused.reason === "client-certificate-required" && accepted.isProbe();
    if (!quiet) this.#emit(event);
    else this.#options.observer?.metrics.handshake("worker", "probe");
    refuse(accepted, refused.peerReason, this.#clock, quiet ? () => this.#emit(event) : undefined);
  }

  #refuseExcess(accepted: AcceptedChannel, identity: PeerIdentity): void {
    this.#emit(excessConnectionEvent(accepted.facts.remoteAddress, identity));
    refuse(accepted, undefined, this.#clock);
  }

  #refuseProtocol(accepted: AcceptedChannel, tls: TlsFacts): void {
    // A client that did not agree on h2 would not read a GOAWAY.
    accepted.channel.destroy();
    accepted.settle();
    this.#emit(noProtocolEvent(accepted.facts.remoteAddress, tls));
  }

  #acceptInMemory(address: MemoryAddress, channel: ByteChannel, { identity }: MemoryDialler): void {
    const text = formatAddress(address);
    const facts: ChannelFacts = { security: "memory", remoteAddress: text };
    const { allow, own } = this.#options;
    if (own !== undefined) return this.#readOwn({ channel, facts, settle: () => {} }, own);
    if (identity === undefined || allow.some((pattern) => matchesPeer(pattern, identity))) {
      this.#held.hold(channel, facts, { identity });
      return;
    }
    refuseNotAllowed(channel);
    this.#emit(notAllowedEvent(text, identity, allow));
  }

  #fail(failure: AcceptFailure): void {
    // A load balancer or an orchestrator that looks whether the port is open: no handshake has failed.
    if (failure.leftSilently === true) {
      return this.#options.observer?.metrics.handshake("worker", "probe");
    }
    const event = nameAcceptFailure(failure, this.#generations?.shown());
    if (event !== undefined) this.#emit(event);
  }

  #listening(address: Address, state: ListeningState): void {
    const { workerId, onListening } = this.#options;
    const at = { workerId, address: formatAddress(this.#address ?? address) };
    if (state.state === "listening") this.#emit({ type: "listener.recovered", ...at });
    else {
      const { message, attempt, retryInMs } = state;
      this.#emit({ type: "listener.failed", ...at, message, attempt, retryInMs });
    }
    onListening?.(state.state === "listening");
  }

  #rotate(material: CredentialMaterial): void {
    this.#generations?.turn(material);
    this.#held.judgeAgain(material);
  }

  #emit(event: UnstampedEvent): void {
    this.#options.observer?.emit(event);
  }
}

/** A channel that the process may have dialled itself; one in memory takes no place. */
type OwnChannel =
  & Pick<AcceptedChannel, "channel" | "facts" | "settle">
  & Partial<Pick<AcceptedChannel, "place">>;

/** Refuses a dialler of our own process, which cannot miss the reason. */
function refuseNotAllowed(channel: ByteChannel): void {
  channel.start({ received: () => {}, ended: () => {}, closed: () => {} });
  channel.write(refusalSettings(), () => {});
  channel.write(refusalGoAway("subject-not-allowed"), () => {});
  channel.end();
}
