import { formatAddress, parseAddress } from "../channel/mod.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { invalid } from "./setting.ts";

/**
 * The workers that a configuration lists, once and for all.
 *
 * @param addresses where they are; each host is the name that is verified there.
 * @throws {ConfigurationError} If no address is given, or one is not valid.
 */
export function staticDiscovery(addresses: readonly string[]): Discovery {
  if (addresses.length === 0) {
    throw invalid("static discovery lists no address");
  }
  const workers = new Map<string, DiscoveredWorker>();
  for (const text of addresses) {
    const address = parseAddress(text, "discovery");
    const worker: DiscoveredWorker = address.kind === "tcp"
      ? { address: formatAddress(address), expected: address.host }
      : { address: formatAddress(address) };
    workers.set(worker.address, worker);
  }
  const listed = [...workers.values()];
  return {
    source: `static:${listed.map(({ address }) => address).join(",")}`,
    namesWorkers: listed.every(({ expected }) => expected !== undefined),
    async *watch(): AsyncGenerator<readonly DiscoveryChange[]> {
      yield listed.map((worker) => ({ kind: "added", worker }));
    },
  };
}
