import { BlockList, isIP } from "node:net";
import { unusable } from "../errors/mod.ts";

/** Addresses in certain networks. */
export interface Networks {
  /** Whether an address is in one of them: `HOST:PORT` or `[IPv6]:PORT`, as sockets have it. */
  has(address: string): boolean;
}

/**
 * Reads networks: `10.0.0.0/8`, `fd00::/8`, or a single address. An IPv4 address that arrives on an IPv6 socket
 * counts as IPv4.
 *
 * @throws {ConfigurationError} If no network is given, or one is not valid.
 */
export function parseNetworks(texts: readonly string[], setting: string): Networks {
  if (texts.length === 0) {
    throw unusable(setting, `${setting} names no network`);
  }
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", prefix, ...rest] = text.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const bits = prefix === undefined ? most : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : NaN;
    if (version === 0 || rest.length > 0 || !(bits <= most)) {
      const what = `${setting}: ${JSON.stringify(text)} is not a network`;
      throw unusable(setting, `${what}; write 10.0.0.0/8, fd00::/8 or an address`);
    }
    list.addSubnet(address, bits, version === 4 ? "ipv4" : "ipv6");
  }
  return {
    has(address) {
      const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1").replace(
        /^::ffff:(?=\d+\.)/i,
        "",
      );
      const version = isIP(host);
      return version !== 0 && list.check(host, version === 4 ? "ipv4" : "ipv6");
    },
  };
}
