import { type Address, parseAddress } from "../../channel/mod.ts";
import type { Credentials } from "../../credentials/mod.ts";
import { insistOnNames, type OptionNames } from "../../errors/mod.ts";
import { parsePatterns } from "../../identity/mod.ts";
import { type Clock, systemClock } from "../../observe/mod.ts";
import type { Discovery } from "../discovery.ts";
import { invalid } from "../setting.ts";

/** Which etcd, and whom to trust there. */
export interface EtcdDiscoveryOptions {
  /** Its members, `HOST:PORT`; one after the other is tried. */
  readonly endpoints: readonly string[];
  /** Every key that begins so is a worker, `selvage/workers/` for instance. */
  readonly prefix: string;
  /** Who we are to etcd, and whom we trust there. Default: none, which is plaintext. */
  readonly credentials?: Credentials | undefined;
  /** Who the members must prove to be. Default: the host of each endpoint. */
  readonly identity?: string | readonly string[] | undefined;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** A discovery where workers announce themselves. */
export interface EtcdDiscovery extends Discovery {
  /** Announces a worker under a lease of its own, of at least 15 s; see {@linkcode Discovery.announce}. */
  announce: NonNullable<Discovery["announce"]>;
}

const NAMES = {
  endpoints: true,
  prefix: true,
  credentials: true,
  identity: true,
  clock: true,
} satisfies OptionNames<EtcdDiscoveryOptions>;

/**
 * The workers that have announced themselves in etcd (3.4 and newer). A worker that dies vanishes with its
 * lease; an etcd that is lost or frozen leaves those that are known in use.
 *
 * @throws {ConfigurationError} If no endpoint is given, an endpoint is not a valid address, or the prefix is missing.
 */
export function etcdDiscovery(options: EtcdDiscoveryOptions): EtcdDiscovery {
  insistOnNames("etcdDiscovery()", options, NAMES);
  const { endpoints, prefix, credentials, clock = systemClock } = options;
  if (endpoints.length === 0) {
    throw invalid("etcd discovery needs an endpoint, HOST:PORT");
  }
  if (prefix === "") {
    throw invalid("etcd discovery needs a prefix of the workers' keys");
  }
  if (credentials === undefined && options.identity !== undefined) {
    throw invalid("the identity of etcd cannot be verified without credentials");
  }
  const identity = options.identity === undefined ? undefined : parsePatterns(options.identity);
  const addresses = endpoints.map((text) => parseAddress(text, "discovery"));
  // Loaded only when etcd is asked: a process that finds workers elsewhere does without.
  const open = async () => {
    const { EtcdClient } = await import("./etcd_client.ts");
    return new EtcdClient({ endpoints: addresses, credentials, identity, expectedAt, clock });
  };
  const scheme = credentials === undefined ? "http" : "https";
  return {
    source: `etcd:${scheme}://${endpoints.join(",")}/${prefix}`,
    namesWorkers: false,
    async *watch(signal) {
      const { EtcdWatch } = await import("./etcd_watch.ts");
      await using client = await open();
      yield* new EtcdWatch({ client, prefix, clock }).changes(signal);
    },
    async announce(announcement, announce) {
      const { EtcdLease } = await import("./etcd_lease.ts");
      const client = await open();
      try {
        return await EtcdLease.announce({ client, prefix, clock }, announcement, announce);
      } catch (error) {
        await client[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

function expectedAt(endpoint: Address) {
  return endpoint.kind === "tcp" ? parsePatterns(endpoint.host) : [];
}
