import { getServers } from "node:dns";
import { isIP } from "node:net";
import { parseAddress, type TcpAddress } from "../../channel/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { type Clock, pause, systemClock } from "../../observe/mod.ts";
import { onAbort } from "../../values/mod.ts";
import type { Discovery, DiscoveryChange } from "../discovery.ts";
import type { NameServer } from "./exchange.ts";
import { KnownAddresses } from "./known_addresses.ts";
import { addressLookup, type Lookup, machineLookup, serviceLookup } from "./lookups.ts";
import { Resolver } from "./resolver.ts";
import { invalid } from "../setting.ts";

/** How a name is looked up. */
export interface DnsDiscoveryOptions {
  /** The name server to ask, `IP:PORT` or `[IPv6]:PORT`. Default: as this machine does. */
  readonly nameServer?: string | undefined;
  /**
   * How often to look again where no time to live says so, and while a name server is ill, in
   * milliseconds. Default 5,000.
   */
  readonly refreshMs?: number | undefined;
  /** How long a name server may take, in milliseconds; each is asked twice. Default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** However short records hold, or long: the next look is this far away. */
const SHORTEST_REFRESH_MS = 1_000;
const LONGEST_REFRESH_MS = 300_000;

/**
 * A worker at every address that a name has, and the name is who each must prove to be. Without a name
 * server of its own it asks the machine's resolver, which knows the hosts file and search domains and tells
 * no time to live.
 *
 * @param endpoint `NAME:PORT`.
 * @throws {ConfigurationError} if that is no host name and port.
 */
export function dnsDiscovery(endpoint: string, options: DnsDiscoveryOptions = {}): Discovery {
  const parsed = tcpAddressOf(endpoint);
  if (parsed === undefined || /[:\d]\.?$/.test(parsed.host)) {
    throw invalid(
      "dns discovery needs a host name and a port, such as dns:workers.internal:8443, not " +
        JSON.stringify(endpoint),
    );
  }
  const { host: name, port } = parsed;
  const { nameServer } = options;
  const lookups = nameServer === undefined ? [machineLookup(name, port)] : families(
    resolverOf(options, name),
    name,
    port,
  );
  return {
    source: `dns:${endpoint}${nameServer === undefined ? "" : `?ns=${nameServer}`}`,
    namesWorkers: true,
    // No certificate has the final dot, by which a name is looked up in no search domain.
    watch: (signal) =>
      follow(lookups, { ...options, name, expected: name.replace(/\.$/, "") }, signal),
  };
}

/**
 * A worker at every server of a service (RFC 2782). Who they must be is for the dispatcher's `identity` to
 * say: the servers' names are not proven.
 *
 * @param name The service's full name, such as `_selvage._tcp.pool.internal`; search domains do not apply.
 * @throws {ConfigurationError} if that is no name.
 */
export function srvDiscovery(name: string, options: DnsDiscoveryOptions = {}): Discovery {
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?\.?$/i.test(name) || name.length > 253) {
    throw invalid(`dns+srv discovery needs the name of a service, not ${JSON.stringify(name)}`);
  }
  const { nameServer } = options;
  const lookup = serviceLookup(resolverOf(options, name), name);
  return {
    source: `dns+srv:${name}${nameServer === undefined ? "" : `?ns=${nameServer}`}`,
    namesWorkers: false,
    watch: (signal) => follow([lookup], { ...options, name }, signal),
  };
}

function families(resolver: Resolver, name: string, port: number): readonly Lookup[] {
  return (["A", "AAAA"] as const).map((type) => addressLookup(resolver, name, type, port));
}

function resolverOf(options: DnsDiscoveryOptions, name: string): Resolver {
  const { nameServer, timeoutMs = 2_000, clock = systemClock } = options;
  if (name.split(".").some((label) => label.length > 63)) {
    throw invalid(`a label of ${name} is longer than 63 characters`);
  }
  const servers = (nameServer === undefined ? [...new Set(getServers())] : [nameServer]).map(
    asServer,
  );
  return new Resolver({ servers, clock, timeoutMs });
}

const DNS_PORT = 53;

function asServer(text: string): NameServer {
  const family = isIP(text.replace(/%.*$/, ""));
  const bare = family === 6 ? `[${text}]` : family === 4 ? text : undefined;
  const address = tcpAddressOf(bare === undefined ? text : `${bare}:${DNS_PORT}`);
  if (address !== undefined) return address;
  throw invalid(
    `a name server (ns) is an IP address and a port, such as 10.0.0.2:53, not ${
      JSON.stringify(text)
    }`,
  );
}

/** An address that can be dialled over TCP; `undefined` of any other text, whose caller says what it expected. */
function tcpAddressOf(text: string): TcpAddress | undefined {
  try {
    const address = parseAddress(text);
    return address.kind === "tcp" && address.port !== 0 ? address : undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

interface FollowOptions extends DnsDiscoveryOptions {
  readonly name: string;
  readonly expected?: string;
}

/** Looks again and again; the first batch holds what the first answers say. */
export async function* follow(
  lookups: readonly Lookup[],
  { name, expected, refreshMs = 5_000, clock = systemClock }: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
  const known = lookups.map(({ label }) => new KnownAddresses(`${name} ${label}`, expected));
  let empty: string | undefined;
  // The machine's resolver cannot be interrupted.
  const { promise: aborted, resolve: abort } = Promise.withResolvers<undefined>();
  using _abort = onAbort(signal, () => abort(undefined));
  for (let first = true; !signal.aborted;) {
    let holdsMs = Infinity;
    const pending = new Map(
      lookups.map((lookup, at) => [
        at,
        lookup.find(signal).then(
          (found) => ({
            at,
            changes: known[at]!.found(found),
            holdsMs: found.holdsMs || refreshMs,
          }),
          (error: Error) => ({ at, changes: known[at]!.failed(error), holdsMs: refreshMs }),
        ),
      ]),
    );
    let held: DiscoveryChange[] = [];
    while (pending.size > 0) {
      const answer = await Promise.race([aborted, ...pending.values()]);
      if (answer === undefined || signal.aborted) return;
      pending.delete(answer.at);
      holdsMs = Math.min(holdsMs, answer.holdsMs);
      held.push(...answer.changes ?? []);
      if (pending.size === 0) {
        const before = empty;
        empty = known.every(({ isEmpty }) => isEmpty) ? known[0]!.none : undefined;
        if (empty !== undefined && empty !== before) {
          held.push({ kind: "failed", message: `${name}: ${empty}` });
        }
      }
      // Until something is found, the first batch waits for every answer: it is all that is known.
      const found = held.some(({ kind }) => kind === "added");
      if (pending.size > 0 && first && !found) continue;
      if (first || held.length > 0 || answer.changes !== undefined) yield held;
      held = [];
      first = false;
    }
    const waitMs = Math.min(
      Math.max(holdsMs, Math.min(SHORTEST_REFRESH_MS, refreshMs)),
      LONGEST_REFRESH_MS,
    );
    await pause(clock, waitMs, signal);
  }
}
