import { lookup } from "node:dns/promises";
import { formatAddress } from "../../channel/mod.ts";
import { MAX_ENTRIES } from "../known_workers.ts";
import type { SrvData } from "./message.ts";
import type { Resolver } from "./resolver.ts";
import { messageOf, present } from "../../values/mod.ts";

/** What a look-up found: addresses, `HOST:PORT`, or that there are none. */
export interface Found {
  readonly addresses: readonly string[];
  /** How long that holds, in milliseconds; absent where it was not given. */
  readonly holdsMs?: number;
  /** Why there are none. */
  readonly none?: string;
  /** Why some may be of before: a name server is ill that knows what they are now. */
  readonly incomplete?: string;
}

/** One of the questions whose answers together are the workers. */
export interface Lookup {
  /** What is asked for, as errors name it: `A` for instance. */
  readonly label: string;
  /** @throws {Error} Where nothing is known because a server is ill. */
  find(signal: AbortSignal): Promise<Found>;
}

/** The addresses of a name as every other program on this machine finds them: hosts file, search domains. */
export function machineLookup(name: string, port: number): Lookup {
  return {
    label: "addresses",
    async find() {
      try {
        const found = await lookup(name, { all: true });
        return { addresses: found.map(({ address }) => at(address, port)) };
      } catch (error) {
        // `EAI_AGAIN` and the others say that the answer is not known.
        if ((error as { code?: unknown }).code !== "ENOTFOUND") throw error;
        return { addresses: [], none: "no such name, or no address" };
      }
    },
  };
}

/** The addresses of a name of one family, as name servers tell them. */
export function addressLookup(
  resolver: Resolver,
  name: string,
  type: "A" | "AAAA",
  port: number,
): Lookup {
  return {
    label: type,
    async find(signal) {
      const { records, ttl, none } = await resolver.resolve(name, type, signal);
      return {
        addresses: records.map(({ data }) => at(data as string, port)),
        ...(ttl === undefined ? {} : { holdsMs: ttl * 1_000 }),
        ...present({ none }),
      };
    },
  };
}

/** More servers of a service are not looked up. */
const MAX_SERVERS = 256;

/** Servers whose addresses are looked up at once: each takes two sockets. */
const SERVERS_AT_ONCE = 16;

/**
 * The servers of a service (RFC 2782): those of the best priority that have an address. The weights are not
 * used: calls are balanced by what the workers have to do. Of more than 256 servers the others are not looked up. A
 * server whose addresses a name server that is ill does not tell has those that it had before.
 */
export function serviceLookup(resolver: Resolver, name: string): Lookup {
  let before: AddressesOfServers = new Map();
  return {
    label: "SRV",
    async find(signal) {
      const { records, ttl = 0, none } = await resolver.resolve(name, "SRV", signal);
      const servers = records.map(({ data }) => data as SrvData)
        .filter(({ target, port }) => target !== "." && target !== "" && port > 0)
        .sort((one, other) => one.priority - other.priority)
        .slice(0, MAX_SERVERS);
      if (servers.length === 0) {
        return { addresses: [], none: none ?? "the service is not available" };
      }
      for (const priority of new Set(servers.map(({ priority }) => priority))) {
        const group = servers.filter((server) => server.priority === priority);
        const { found, ofServers } = await addressesOf(resolver, group, before, signal);
        if (found.addresses.length > 0) {
          before = ofServers;
          return { ...found, holdsMs: Math.min(ttl * 1_000, found.holdsMs ?? Infinity) };
        }
        if (found.incomplete !== undefined) throw new Error(found.incomplete);
      }
      return { addresses: [], none: "no server of the service has an address" };
    },
  };
}

/** The addresses of servers, by their names and ports. */
type AddressesOfServers = ReadonlyMap<string, readonly string[]>;

/**
 * The addresses of some servers, a few servers at a time.
 *
 * @param before What they were at last.
 */
async function addressesOf(
  resolver: Resolver,
  servers: readonly SrvData[],
  before: AddressesOfServers,
  signal: AbortSignal,
): Promise<{ readonly found: Found; readonly ofServers: AddressesOfServers }> {
  const ofServers = new Map<string, readonly string[]>();
  let holdsMs = Infinity;
  let incomplete: string | undefined;
  let room = MAX_ENTRIES;
  const keep = (key: string, addresses: readonly string[]) => {
    ofServers.set(key, addresses.slice(0, room));
    room -= Math.min(addresses.length, room);
  };
  const left = [...servers];
  const turn = async () => {
    for (let server = left.shift(); server !== undefined; server = left.shift()) {
      const key = at(server.target, server.port);
      try {
        const found = await targetAddresses(resolver, server, signal);
        for (const { holdsMs: its = Infinity } of found) holdsMs = Math.min(holdsMs, its);
        keep(key, found.flatMap(({ addresses }) => addresses));
      } catch (error) {
        signal.throwIfAborted();
        // The servers whose addresses are known take calls all the same.
        incomplete ??= `${server.target}: ${messageOf(error)}`;
        keep(key, before.get(key) ?? []);
      }
    }
  };
  await Promise.all(Array.from({ length: SERVERS_AT_ONCE }, turn));
  const addresses = [...new Set([...ofServers.values()].flat())];
  return { found: { addresses, holdsMs, ...present({ incomplete }) }, ofServers };
}

/** The addresses of one server; one family is enough. */
async function targetAddresses(
  resolver: Resolver,
  { target, port }: SrvData,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const families = await Promise.allSettled(
    (["A", "AAAA"] as const).map((type) =>
      addressLookup(resolver, target, type, port).find(signal)
    ),
  );
  const found = families.filter((family) => family.status === "fulfilled").map(({ value }) =>
    value
  );
  if (found.some(({ addresses }) => addresses.length > 0)) return found;
  const failed = families.find((family) => family.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return found;
}

function at(host: string, port: number): string {
  return formatAddress({ kind: "tcp", host, port });
}
