import type { ServerTls, TlsVersion } from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import type { ListenerGeneration as GenerationEvent, Unstamped } from "../observe/mod.ts";
import type { HeldPeer } from "./held_peer.ts";
import { listenerTls } from "./tls_contexts.ts";
import { Ring } from "../values/mod.ts";

/**
 * A listener's state under one set of credentials, and the connections it accepted.
 *
 * `current`: takes new connections → `leaving`: a later one does, these finish their calls → `ended`.
 */
export class ListenerGeneration {
  /** The platform's TLS for connections of this generation. */
  readonly tls: ServerTls;
  /** The connections it accepted and still holds. */
  readonly held: Ring<HeldPeer> = new Ring();
  #material: CredentialMaterial;
  #state: "current" | "leaving" | "ended" = "current";

  constructor(material: CredentialMaterial, minVersion: TlsVersion) {
    this.#material = material;
    this.tls = listenerTls(material, minVersion);
  }

  /** The version of the credentials that peers are judged by now. */
  get material(): CredentialMaterial {
    return this.#material;
  }

  /** Whether all that is new is whom we deny: then the connections stay, and are judged again. */
  sharesTlsWith({ own, caPem }: CredentialMaterial): boolean {
    const before = this.#material;
    return own?.certPem === before.own?.certPem && own?.keyPem === before.own?.keyPem &&
      caPem.length === before.caPem.length && caPem.every((pem, at) => pem === before.caPem[at]);
  }

  /** Judges by newer material from now on. */
  adopt(material: CredentialMaterial): void {
    this.#material = material;
  }

  /** A later generation takes new connections: these are asked to leave. */
  leave(): void {
    this.#state = "leaving";
    for (const peer of this.held) peer.replaced();
  }

  /** Reports once that its last connection is over. */
  ends(): boolean {
    if (this.#state !== "leaving" || this.held.size > 0) return false;
    this.#state = "ended";
    return true;
  }

  /** Its state as it is reported to the observer. */
  event(workerId: string): Unstamped<GenerationEvent> {
    return {
      type: "listener.generation",
      workerId,
      generation: this.#material.generation,
      state: this.#state,
      fingerprint: this.#material.fingerprint,
      connections: this.held.size,
    };
  }
}
