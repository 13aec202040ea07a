import { lookup } from "node:dns/promises";
import { formatAddress, parseAddress } from "../channel/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import { type Clock, systemClock } from "../observe/mod.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";

/** How a name is looked up. */
export interface DnsDiscoveryOptions {
  /** The name server to ask, `IP:PORT` or `[IPv6]:PORT`. Default: as this machine does. */
  readonly nameServer?: string | undefined;
  /** How often to look again, in milliseconds. Default 5,000. */
  readonly refreshMs?: number | undefined;
  /** Looks the name up; none is an empty list. Default: over DNS. */
  readonly resolve?:
    | ((name: string, signal: AbortSignal) => Promise<readonly string[]>)
    | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A worker at every address that a name has, and the name is who each must prove to be.
 *
 * @param endpoint `NAME:PORT`.
 * @throws {ConfigurationError} if that is no host name and port.
 */
export function dnsDiscovery(endpoint: string, options: DnsDiscoveryOptions = {}): Discovery {
  const parsed = parseAddress(endpoint, "discovery");
  if (parsed.kind !== "tcp" || parsed.port === 0 || /[:\d]$/.test(parsed.host)) {
    throw new ConfigurationError(`dns discovery needs a host name and a port, not ${endpoint}`, {
      setting: "discovery",
    });
  }
  const { host: name, port } = parsed;
  const { refreshMs = 5_000, clock = systemClock, nameServer } = options;
  const resolve = options.resolve ?? (nameServer === undefined ? asTheMachine : from(nameServer));
  const source = `dns:${endpoint}${nameServer === undefined ? "" : `?ns=${nameServer}`}`;

  async function* watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    const known = new Map<string, DiscoveredWorker>();
    while (!signal.aborted) {
      try {
        const hosts = await resolve(name, signal);
        const found = hosts.map((host) => formatAddress({ kind: "tcp", host, port }));
        yield difference(known, found, name);
      } catch (error) {
        if (signal.aborted) return;
        yield [{ kind: "failed", message: `${name}: ${(error as Error).message}` }];
      }
      await pause(clock, refreshMs, signal);
    }
  }
  return { source, namesWorkers: true, watch };
}

/** Brings `known` up to what was `found`, and tells how. */
function difference(
  known: Map<string, DiscoveredWorker>,
  found: readonly string[],
  expected: string,
): readonly DiscoveryChange[] {
  const changes: DiscoveryChange[] = [];
  for (const address of known.keys()) {
    if (found.includes(address)) continue;
    known.delete(address);
    changes.push({ kind: "removed", address });
  }
  for (const address of found) {
    if (known.has(address)) continue;
    const worker = { address, expected };
    known.set(address, worker);
    changes.push({ kind: "added", worker });
  }
  return changes;
}

/** With the hosts file and search domains, as every other program here finds the name. */
async function asTheMachine(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOTFOUND") return [];
    throw error;
  }
}

function from(nameServer: string): NonNullable<DnsDiscoveryOptions["resolve"]> {
  const server = parseAddress(nameServer, "discovery");
  if (server.kind !== "tcp") {
    throw new ConfigurationError("a name server is an IP address and a port", {
      setting: "discovery",
    });
  }
  return async (name, signal) => {
    const records = async (type: "A" | "AAAA") => {
      try {
        const options = { nameServer: { ipAddr: server.host, port: server.port }, signal };
        return await Deno.resolveDns(name, type, options);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw error;
      }
    };
    return (await Promise.all([records("A"), records("AAAA")])).flat();
  };
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(resolve, delayMs, { background: true });
  const wake = () => {
    timer[Symbol.dispose]();
    resolve();
  };
  signal.addEventListener("abort", wake, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", wake));
}
