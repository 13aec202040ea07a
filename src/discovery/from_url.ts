import { ConfigurationError } from "../errors/mod.ts";
import type { Discovery } from "./discovery.ts";
import { dnsDiscovery } from "./dns.ts";
import { staticDiscovery } from "./static.ts";

/**
 * The discovery that a URL names: `static:HOST:PORT,HOST:PORT` or `dns:NAME:PORT[?ns=IP:PORT]`.
 *
 * @throws {ConfigurationError} if there is none of that name, or the URL does not hold.
 */
export function discoveryFromUrl(url: string): Discovery {
  const colon = url.indexOf(":");
  const scheme = url.slice(0, Math.max(colon, 0));
  const rest = url.slice(colon + 1);
  switch (scheme) {
    case "static":
      return staticDiscovery(rest.split(",").filter((address) => address !== ""));
    case "dns":
      return dnsFromUrl(rest);
    default:
      throw new ConfigurationError(
        `${JSON.stringify(url)} is no discovery URL known here; write static:HOST:PORT,HOST:PORT ` +
          `or dns:NAME:PORT`,
        { setting: "discovery" },
      );
  }
}

function dnsFromUrl(rest: string): Discovery {
  const [endpoint = "", query] = rest.split("?", 2);
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((key) => key !== "ns");
  if (unknown !== undefined) {
    throw new ConfigurationError(`dns discovery has no parameter ${JSON.stringify(unknown)}`, {
      setting: "discovery",
    });
  }
  return dnsDiscovery(endpoint, { nameServer: parameters.get("ns") ?? undefined });
}
