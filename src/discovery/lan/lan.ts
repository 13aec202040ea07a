import { isIP } from "node:net";
import { type Clock, pause, systemClock } from "../../observe/mod.ts";
import type { Discovery, DiscoveryChange } from "../discovery.ts";
import { KnownWorkers } from "../known_workers.ts";
import { invalid, urlParameters } from "../setting.ts";
import { Browser } from "./browser.ts";
import { decodeMessage, type LanMessage } from "./message.ts";
import { Multicast } from "./multicast.ts";
import { type LanNames, lanNames } from "./names.ts";
import { Responder } from "./responder.ts";

/** Which networks are used, and how long to listen. */
export interface LanDiscoveryOptions {
  /**
   * The addresses of the network interfaces of this machine to use: an IPv4 address is multicast DNS over IPv4 there, an
   * IPv6 address over IPv6. Default: all that are not loopback nor link-local, 8 at most, IPv4 first.
   */
  readonly interfaces?: readonly string[] | undefined;
  /** The UDP port. Default 5353, which is what other programs use. */
  readonly port?: number | undefined;
  /** How long the first batch waits for answers, in milliseconds. Default 1,500. */
  readonly settleMs?: number | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A discovery where workers announce themselves. */
export interface LanDiscovery extends Discovery {
  /** Announces a worker; see {@linkcode Discovery.announce}. Its records hold 60 s unless the lease says otherwise. */
  announce: NonNullable<Discovery["announce"]>;
}

const MDNS_PORT = 5353;

/** The first waits between questions; each is twice as long as the one before (RFC 6762 §5.2). */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** So often it is tried again while there is no network, in milliseconds. */
const FAILED_WAIT_MS = 5_000;

/** Changes that come within this time are reported together, in milliseconds. */
const GATHER_MS = 100;

/** Changes are not reported more often, in milliseconds: records of anybody may flap. */
const GAP_MS = 1_000;

/**
 * The workers that announce themselves on the networks of this machine, by multicast DNS (RFC 6762,
 * RFC 6763): instances of `_selvage._tcp` with the subtype `_FLEET`. One that dies without a goodbye stays listed
 * until its records end, after a minute; anyone on the network can announce anything.
 *
 * @param fleet Which workers belong together.
 * @throws {ConfigurationError} If that is no name, or an option cannot be used.
 */
export function lanDiscovery(fleet: string, options: LanDiscoveryOptions = {}): LanDiscovery {
  const { interfaces, port = MDNS_PORT, settleMs = 1_500, clock = systemClock } = options;
  const names = lanNames(fleet);
  const wrong = interfaces?.find((address) => isIP(address) === 0);
  if (wrong !== undefined || interfaces?.length === 0) {
    throw invalid(
      `an interface of lan discovery is one of its IP addresses, not ${wrong ?? "none"}`,
    );
  }
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw invalid(`${port} is not a port, 1 to 65535`);
  }
  const open = (onMessage: (message: LanMessage) => void) =>
    new Multicast({ interfaces, port, clock, onMessage: (bytes) => read(bytes, onMessage) });
  const loopback = interfaces?.every((address) => address.startsWith("127.")) === true;
  return {
    source: `lan:${fleet}`,
    namesWorkers: false,
    watch: (signal) => watch({ names, loopback, open, settleMs, clock }, signal),
    announce: (announcement, announce) =>
      Responder.announce(
        (onMessage) => ({ names, clock, multicast: open(onMessage) }),
        announcement,
        announce,
      ),
  };
}

/**
 * The discovery that `lan:FLEET[?interface=ADDRESS]…[&port=PORT]` names.
 *
 * @param rest What follows `lan:`.
 * @throws {ConfigurationError} If `rest` is not of this form.
 */
export function lanFromUrl(rest: string): LanDiscovery {
  const [fleet = "", query] = rest.split("?", 2);
  const parameters = urlParameters("lan", query, ["interface", "port"]);
  const interfaces = parameters.getAll("interface");
  const port = parameters.get("port");
  return lanDiscovery(fleet, {
    ...(interfaces.length === 0 ? {} : { interfaces }),
    ...(port === null ? {} : { port: Number(port) }),
  });
}

interface WatchOptions {
  readonly names: LanNames;
  readonly loopback: boolean;
  readonly open: (onMessage: (message: LanMessage) => void) => Multicast;
  readonly settleMs: number;
  readonly clock: Clock;
}

async function* watch(
  { names, loopback, open, settleMs, clock }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
  const browser = new Browser(names, loopback);
  const known = new KnownWorkers();
  const report = new Report();
  const news = new News();
  using multicast = open((message) => {
    if (browser.hear(message, clock.steady())) news.arrived();
  });
  const begun = clock.steady();
  let [askAt, waitMs, reportAt] = [begun, FIRST_WAIT_MS, begun + settleMs];
  for (let first = true; !signal.aborted;) {
    const now = clock.steady();
    if (now >= askAt) {
      report.outcome = await ask(multicast, browser, now);
      const failed = report.outcome !== undefined;
      askAt = now + (failed ? Math.min(waitMs, FAILED_WAIT_MS) : waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    // What is missing of a worker is asked for soon, and so is one that is about to be forgotten.
    const soon = browser.isIncomplete ? now : browser.nextDue(now);
    askAt = Math.min(askAt, Math.max(soon, now + FIRST_WAIT_MS));
    if (first) await pause(clock, Math.min(askAt, reportAt) - clock.steady(), signal);
    else {
      await news.wait(clock, askAt - clock.steady(), signal);
      await pause(clock, Math.max(GATHER_MS, reportAt - clock.steady()), signal);
    }
    if (signal.aborted) return;
    if (clock.steady() < reportAt) continue;
    news.taken();
    const { workers, rejected } = browser.heard(clock.steady());
    const changes = [...known.replace(workers), ...report.changes(rejected)];
    if (changes.length > 0) reportAt = clock.steady() + GAP_MS;
    if (first || changes.length > 0 || report.hasRecovered) yield changes;
    first = false;
  }
}

/** Whether anything was heard since it was looked at last. */
class News {
  #arrived = false;
  #wake: AbortController | undefined;

  arrived(): void {
    this.#arrived = true;
    this.#wake?.abort();
  }

  taken(): void {
    this.#arrived = false;
  }

  async wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
    if (this.#arrived) return;
    this.#wake = new AbortController();
    await pause(clock, delayMs, AbortSignal.any([signal, this.#wake.signal]));
  }
}

/** Queries every network. @returns why that was not possible. */
async function ask(
  multicast: Multicast,
  browser: Browser,
  now: number,
): Promise<string | undefined> {
  try {
    await multicast.refresh();
    await multicast.send(() => browser.query(now));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is reported once: that queries fail, and why announcements are not used. */
class Report {
  /** Why the last query failed; `undefined` where it did not. */
  outcome: string | undefined;
  #failure: string | undefined;
  #rejected = new Set<string>();
  #recovered = false;

  /** Whether queries work again since the last changes. */
  get hasRecovered(): boolean {
    return this.#recovered;
  }

  changes(rejected: readonly string[]): readonly DiscoveryChange[] {
    const changes = rejected.filter((message) => !this.#rejected.has(message))
      .map((message): DiscoveryChange => ({ kind: "rejected", message }));
    this.#rejected = new Set(rejected);
    this.#recovered = this.#failure !== undefined && this.outcome === undefined;
    if (this.outcome !== undefined && this.outcome !== this.#failure) {
      changes.push({ kind: "failed", message: this.outcome });
    }
    this.#failure = this.outcome;
    return changes;
  }
}

/** Passes on what is a message; anybody on the network can send anything. */
function read(bytes: Uint8Array, onMessage: (message: LanMessage) => void): void {
  let message: LanMessage;
  try {
    message = decodeMessage(bytes);
  } catch {
    return;
  }
  onMessage(message);
}
