import type { ServerTls, TlsVersion } from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import type { Clock, Observer } from "../observe/mod.ts";
import type { OwnShown } from "./accept_failure.ts";
import { ListenerGeneration } from "./listener_generation.ts";
import { oldestVersion } from "./tls_contexts.ts";
import { present } from "../values/mod.ts";

/** What the generations of one listener share. */
export interface GenerationOptions {
  readonly workerId: string;
  readonly clock: Clock;
  readonly minTlsVersion: TlsVersion | undefined;
  readonly observer: Observer | undefined;
}

/** The generations of one listener: the current one, and those that still finish their calls. */
export class Generations {
  readonly #options: GenerationOptions;
  /** Every generation by its TLS, also one that ended while a handshake was under way. */
  readonly #byTls = new WeakMap<ServerTls, ListenerGeneration>();
  #current: ListenerGeneration;
  #leaving: ListenerGeneration[] = [];

  /**
   * Makes the first generation.
   *
   * @throws {ConfigurationError} where the material cannot serve.
   */
  constructor(material: CredentialMaterial, options: GenerationOptions) {
    this.#options = options;
    this.#current = this.#make(material);
  }

  /** The generation that takes new connections. */
  get current(): ListenerGeneration {
    return this.#current;
  }

  /** The generation that a handshake was done under; another may have become current since. */
  with(tls: ServerTls | undefined): ListenerGeneration {
    return (tls && this.#byTls.get(tls)) ?? this.#current;
  }

  /** Goes by newer material: in a new generation, unless the TLS of the current one is as good. */
  turn(material: CredentialMaterial): void {
    const before = this.#current;
    const next = before.sharesTlsWith(material) ? undefined : this.#next(material);
    if (next === undefined) return before.adopt(material);
    this.#current = next;
    this.#leaving.push(before);
    before.leave();
    this.emitState(next);
    this.emitState(before);
    this.#endIfDone(before);
  }

  /** A connection of this generation is over. */
  left(generation: ListenerGeneration): void {
    this.#endIfDone(generation);
  }

  /** What a client that is refused now has seen of us. */
  shown(): OwnShown | undefined {
    const certificate = this.#current.material.own?.summary;
    return certificate && { certificate, now: this.#options.clock.now() };
  }

  /** Informs the observer of a generation's state. */
  emitState(generation: ListenerGeneration): void {
    this.#options.observer?.emit(generation.event(this.#options.workerId));
  }

  #endIfDone(generation: ListenerGeneration): void {
    if (!generation.ends()) return;
    this.#leaving = this.#leaving.filter((other) => other !== generation);
    this.emitState(generation);
  }

  /** The next generation, or none where the platform cannot use the material: then what it serves with stays. */
  #next(material: CredentialMaterial): ListenerGeneration | undefined {
    try {
      return this.#make(material);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      const { own, generation } = this.#current.material;
      this.#options.observer?.emit({
        type: "credentials.rejected",
        reason: "unsuitable",
        message: error.message,
        keptGeneration: generation,
        keptExpired: own !== undefined &&
          Date.parse(own.summary.notAfter) < this.#options.clock.now(),
        ...present({ keptCertificate: own?.summary }),
      });
      return undefined;
    }
  }

  #make(material: CredentialMaterial): ListenerGeneration {
    const oldest = this.#options.minTlsVersion ?? oldestVersion(material);
    const generation = new ListenerGeneration(material, oldest);
    this.#byTls.set(generation.tls, generation);
    return generation;
  }
}
