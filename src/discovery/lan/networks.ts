import { BlockList, isIPv4 } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";

/** The groups of multicast DNS (RFC 6762 §3). */
const GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;

/** More networks than these are not used. */
const MAX_NETWORKS = 8;

/** Addresses that a router forwards to nobody: they need a zone, which no record carries. */
const LINK_LOCAL = /^fe[89ab]/i;

/** The interfaces of this machine by name, as `node:os` reports them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** A network that this machine is on, in one family of addresses. */
export interface LanNetwork {
  readonly family: 4 | 6;
  /** Our own address there. */
  readonly address: string;
  /** Our IPv4 address on the same interface, where there is one. */
  readonly ipv4: string | undefined;
  /** The interface, as sockets are given it: its IPv4 address, or `::%NAME`. */
  readonly scope: string;
  /** Where messages are sent. */
  readonly group: string;
}

/**
 * The networks that are used, 8 at most, those of IPv4 first.
 *
 * @param chosen The addresses that choose among them. Default: all that are not loopback; IPv6 where an address is not
 * link-local, for such an address cannot be announced.
 */
export function networksOf(
  own: Interfaces,
  chosen: readonly string[] | undefined,
): readonly LanNetwork[] {
  const networks = chosen === undefined ? allOf(own) : chosen.map((address) => at(address, own));
  return networks.toSorted((one, other) => one.family - other.family).slice(0, MAX_NETWORKS);
}

/**
 * What is on the links of the networks that are used: multicast DNS is believed from there alone (RFC 6762 §11), as a
 * message that was sent straight to our port may come from anywhere.
 */
export class LocalLinks {
  readonly #subnets = new BlockList();

  constructor(own: Interfaces, networks: readonly LanNetwork[]) {
    const used = new Set(networks.map(({ address }) => address));
    for (const addresses of Object.values(own)) {
      if (addresses?.some(({ address }) => used.has(address)) !== true) continue;
      for (const { cidr, family } of addresses) {
        const [subnet, bits] = cidr?.split("/") ?? [];
        if (subnet === undefined) continue;
        this.#subnets.addSubnet(subnet, Number(bits), family === "IPv4" ? "ipv4" : "ipv6");
      }
    }
  }

  /** Whether the sender of a message is on one of them. */
  has(sender: string): boolean {
    const [address = ""] = sender.split("%");
    return LINK_LOCAL.test(address) ||
      this.#subnets.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  }
}

function allOf(own: Interfaces): readonly LanNetwork[] {
  return Object.entries(own).flatMap(([name, addresses = []]) => {
    const usable = addresses.filter(({ internal, address }) =>
      !internal && !LINK_LOCAL.test(address)
    );
    const ipv6 = usable.find(({ family }) => family === "IPv6");
    return [
      ...usable.filter(({ family }) => family === "IPv4").map(({ address }) => inIpv4(address)),
      ...ipv6 === undefined ? [] : [inIpv6(ipv6.address, name, addresses)],
    ];
  });
}

function at(address: string, own: Interfaces): LanNetwork {
  if (isIPv4(address)) return inIpv4(address);
  const [name = "", addresses = []] = Object.entries(own)
    .find(([, addresses]) => addresses?.some((one) => one.address === address)) ?? [];
  return inIpv6(address, name, addresses);
}

function inIpv4(address: string): LanNetwork {
  return { family: 4, address, ipv4: address, scope: address, group: GROUPS[4] };
}

function inIpv6(
  address: string,
  name: string,
  addresses: readonly NetworkInterfaceInfo[],
): LanNetwork {
  const ipv4 = addresses.find(({ family }) => family === "IPv4")?.address;
  return { family: 6, address, ipv4, scope: `::%${name}`, group: GROUPS[6] };
}
