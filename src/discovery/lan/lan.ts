import { isIP } from "node:net";
import { type Clock, systemClock } from "../../observe/mod.ts";
import type { Discovery } from "../discovery.ts";
import { invalid, urlParameters } from "../setting.ts";
import type { LanMessage } from "./message.ts";
import { lanNames } from "./names.ts";

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
  // Loaded only when the network is used, with UDP: a process that finds workers elsewhere does without.
  const open = async () => {
    const { openMulticast } = await import("./hearing.ts");
    return (onMessage: (message: LanMessage) => void) =>
      openMulticast({ interfaces, port, clock }, onMessage);
  };
  const loopback = interfaces?.every((address) => address.startsWith("127.")) === true;
  return {
    source: `lan:${fleet}`,
    namesWorkers: false,
    async *watch(signal) {
      const { browse } = await import("./browsing.ts");
      yield* browse({ names, loopback, open: await open(), settleMs, clock }, signal);
    },
    async announce(announcement, announce) {
      const { Responder } = await import("./responder.ts");
      const opened = await open();
      return await Responder.announce(
        (onMessage) => ({ names, clock, multicast: opened(onMessage) }),
        announcement,
        announce,
      );
    },
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
