import { type Address, parseAddress } from "../channel/mod.ts";
import type { Clock } from "../observe/mod.ts";

/** Hosts remembered; beyond that the oldest is forgotten. */
const HOSTS = 1024;
/** How long a host's offers to resume are rejected, in milliseconds. */
const REMEMBERED_MS = 3_600_000;

/**
 * Hosts whose resumed session was refused. A client that keeps its session would be refused again with each
 * resumption; one whose offer to resume is rejected within the handshake returns with a fresh handshake, and is
 * judged by the certificate that it has now.
 */
export class RefusedSessions {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  /** Begins with no host. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Remembers that a session resumed from there was refused. */
  refused(remoteAddress: string): void {
    const host = hostOf(remoteAddress);
    this.#until.delete(host);
    this.#until.set(host, this.#clock.steady() + REMEMBERED_MS);
    if (this.#until.size <= HOSTS) return;
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }

  /** Whether offers to resume from there are rejected. */
  has(remoteAddress: string): boolean {
    if (this.#until.size === 0) return false;
    const host = hostOf(remoteAddress);
    const until = this.#until.get(host);
    if (until === undefined) return false;
    if (until > this.#clock.steady()) return true;
    this.#until.delete(host);
    return false;
  }
}

function hostOf(remoteAddress: string): string {
  const address: Address = parseAddress(remoteAddress);
  return address.kind === "tcp" ? address.host : remoteAddress;
}
