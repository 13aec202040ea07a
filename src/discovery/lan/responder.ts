import { isIPv4, isIPv6 } from "node:net";
import { parseAddress } from "../../channel/mod.ts";
import { type Clock, pause } from "../../observe/mod.ts";
import type { Announcement, AnnouncementLease, AnnounceOptions } from "../announcement.ts";
import { encodeResponse, type LanMessage, type LanRecord } from "./message.ts";
import { sameName } from "../dns/record_names.ts";
import type { Multicast } from "./multicast.ts";
import type { LanNetwork } from "./networks.ts";
import { type LanNames, SERVICE_TYPES } from "./names.ts";
import { writeText } from "./text_record.ts";

/** How long the records hold unless the announcement says otherwise, in milliseconds. */
const LEASE_MS = 60_000;

/** Records may not hold for less than a second, nor longer than is believed of them, in milliseconds. */
const SHORTEST_LEASE_MS = 2_000;
const LONGEST_LEASE_MS = 120_000;

/** The same records are not sent more often, whichever peer asks (RFC 6762 §6), in milliseconds. */
const SHORTEST_GAP_MS = 1_000;

/** Several workers do not answer at the same moment (RFC 6762 §6), in milliseconds. */
const ANSWER_DELAY_MS = [20, 120] as const;

/** How often to look for networks that this machine has joined since, in milliseconds. */
const REFRESH_MS = 15_000;

/** What a responder stands on. */
export interface ResponderOptions {
  readonly names: LanNames;
  readonly multicast: Multicast;
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
}

/** Where a worker says it is. */
interface Place {
  /** `0.0.0.0` and `::` are our addresses on each network that it is announced on. */
  readonly host: string;
  readonly port: number;
}

/** One announcement: answers those who ask for it, until it says goodbye. */
export class Responder implements AnnouncementLease {
  readonly #options: ResponderOptions;
  /** A random name: two workers never claim one (RFC 6762 §8 is for names that people choose). */
  readonly #label = crypto.randomUUID();
  readonly #ttl: number;
  readonly #onFailure: (message: string) => void;
  readonly #over = new AbortController();
  #text: readonly Uint8Array[];
  #place: Place;
  #sentAt = -Infinity;
  #answer: Disposable | undefined;
  #kept: Promise<void> | undefined;
  #failing = false;

  private constructor(
    options: ResponderOptions,
    announcement: Announcement,
    { leaseMs = LEASE_MS, onFailure = () => {} }: AnnounceOptions,
  ) {
    this.#options = options;
    this.#ttl = Math.ceil(
      Math.min(Math.max(leaseMs, SHORTEST_LEASE_MS), LONGEST_LEASE_MS) / 1_000,
    );
    this.#onFailure = onFailure;
    this.#text = writeText(announcement);
    this.#place = placeOf(announcement);
  }

  /**
   * Announces.
   *
   * @param open Makes what it is announced through, given what hears the messages of others.
   * @throws {Error} If it can be announced on no network, or does not fit.
   */
  static async announce(
    open: (onMessage: (message: LanMessage) => void) => ResponderOptions,
    announcement: Announcement,
    announce: AnnounceOptions,
  ): Promise<Responder> {
    announce.signal.throwIfAborted();
    let responder: Responder | undefined;
    const options = open((message) => {
      if (responder !== undefined) responder.#hear(message);
    });
    try {
      responder = new Responder(options, announcement, announce);
      await options.multicast.refresh();
      await responder.#send();
      announce.signal.throwIfAborted();
    } catch (error) {
      options.multicast[Symbol.dispose]();
      throw error;
    }
    responder.#kept = responder.#keep();
    return responder;
  }

  async update(announcement: Announcement): Promise<void> {
    const text = writeText(announcement);
    [this.#text, this.#place] = [text, placeOf(announcement)];
    await this.#send();
  }

  /** Says goodbye (RFC 6762 §10.1). */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#answer?.[Symbol.dispose]();
    await this.#kept;
    const { multicast } = this.#options;
    await multicast.send((network) => this.#message(network, 0)).catch(() => {});
    multicast[Symbol.dispose]();
  }

  /** Announces twice (RFC 6762 §8.3), and again on each network that is new. */
  async #keep(): Promise<void> {
    const { clock, multicast } = this.#options;
    const { signal } = this.#over;
    await pause(clock, SHORTEST_GAP_MS, signal);
    for (let again = true; !signal.aborted; await pause(clock, REFRESH_MS, signal)) {
      try {
        again = await multicast.refresh() || again;
        if (again && !signal.aborted) await this.#send();
        [again, this.#failing] = [false, false];
      } catch (error) {
        this.#failed(error as Error);
      }
    }
  }

  #failed({ message }: Error): void {
    if (!this.#failing && !this.#over.signal.aborted) this.#onFailure(message);
    this.#failing = true;
  }

  async #send(): Promise<void> {
    const { clock, multicast } = this.#options;
    this.#sentAt = clock.steady();
    await multicast.send((network) => this.#message(network, this.#ttl));
  }

  /** Answers once for all who ask within a second. */
  #hear(message: LanMessage): void {
    if (this.#answer !== undefined || this.#over.signal.aborted || !this.#isAsked(message)) return;
    const { clock, random = Math.random } = this.#options;
    const [least, most] = ANSWER_DELAY_MS;
    const delayMs = Math.max(
      least + random() * (most - least),
      this.#sentAt + SHORTEST_GAP_MS - clock.steady(),
    );
    this.#answer = clock.schedule(
      () => {
        this.#answer = undefined;
        this.#send().catch((error) => this.#failed(error));
      },
      delayMs,
      { background: true },
    );
  }

  #isAsked({ kind, questions, records }: LanMessage): boolean {
    if (kind !== "query") return false;
    const { names: { service, fleet } } = this.#options;
    const isPointer = (name: string) =>
      sameName(name, fleet) || sameName(name, service) || sameName(name, SERVICE_TYPES);
    const isOwn = (name: string) => sameName(name, this.#instance) || sameName(name, this.#host);
    // Who knows it for another half of its life asks for others (RFC 6762 §7.1).
    const isKnown = records.some((record) =>
      record.type === "PTR" && isPointer(record.name) && sameName(record.data, this.#instance) &&
      record.ttl * 2 >= this.#ttl
    );
    return questions.some(({ name, type }) =>
      isOwn(name) || isPointer(name) && (type === "PTR" || type === "ANY") && !isKnown
    );
  }

  get #instance(): string {
    return `${this.#label}.${this.#options.names.service}`;
  }

  get #host(): string {
    return `${this.#label}.local`;
  }

  /** What is said on a network; nothing where the worker cannot be dialled at any of our addresses there. */
  #message({ address, ipv4 }: LanNetwork, ttl: number): Uint8Array | undefined {
    const { host } = this.#place;
    const shown = host === "0.0.0.0" ? ipv4 : host === "::" ? address : host;
    return shown === undefined ? undefined : encodeResponse(this.#records(shown, ttl));
  }

  #records(host: string, ttl: number): readonly LanRecord[] {
    const { service, fleet } = this.#options.names;
    const { port } = this.#place;
    const type = isIPv4(host) ? "A" : isIPv6(host) ? "AAAA" : undefined;
    const target = type === undefined ? host : this.#host;
    const records: LanRecord[] = [
      { name: fleet, type: "PTR", ttl, data: this.#instance },
      { name: service, type: "PTR", ttl, data: this.#instance },
      { name: this.#instance, type: "SRV", ttl, flush: true, data: { target, port } },
      { name: this.#instance, type: "TXT", ttl, flush: true, data: this.#text },
    ];
    if (type !== undefined) records.push({ name: this.#host, type, ttl, flush: true, data: host });
    // Others of this service may be there when this one is gone.
    if (ttl > 0) records.push({ name: SERVICE_TYPES, type: "PTR", ttl, data: service });
    return records;
  }
}

function placeOf({ address }: Announcement): Place {
  const parsed = parseAddress(address, "advertise");
  if (parsed.kind !== "tcp") throw new Error(`${address} is not on a network`);
  const { host, port } = parsed;
  return { host, port };
}
