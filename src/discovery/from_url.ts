import type { Discovery } from "./discovery.ts";
import { dnsDiscovery, srvDiscovery } from "./dns/dns.ts";
import { etcdFromUrl } from "./etcd/etcd_url.ts";
import { fileDiscovery } from "./file.ts";
import { kubernetesFromUrl } from "./kubernetes/kubernetes.ts";
import { lanFromUrl } from "./lan/lan.ts";
import { localDiscovery } from "./local/local.ts";
import { staticDiscovery } from "./static.ts";
import { invalid, urlParameters } from "./setting.ts";

/**
 * The discovery that a URL names: `static:HOST:PORT,HOST:PORT`, `dns:NAME:PORT[?ns=IP:PORT]`,
 * `dns+srv:NAME[?ns=IP:PORT]`, `file:PATH`, `local:NAMESPACE`, `lan:FLEET`, `k8s:NAMESPACE/SERVICE[:PORT]`
 * or `etcd:http(s)://HOST:PORT[,HOST:PORT]/PREFIX`, with the parameters `ca`, `cert`, `key` (files) and `identity` for
 * https.
 *
 * @throws {ConfigurationError} If no discovery has that name, or the URL is invalid.
 */
export function discoveryFromUrl(url: string): Discovery {
  const colon = url.indexOf(":");
  const scheme = url.slice(0, Math.max(colon, 0));
  const rest = url.slice(colon + 1);
  switch (scheme) {
    case "static":
      return staticDiscovery(rest.split(",").filter((address) => address !== ""));
    case "dns":
      return dnsFromUrl(rest, dnsDiscovery);
    case "dns+srv":
      return dnsFromUrl(rest, srvDiscovery);
    case "file":
      return fileDiscovery(rest);
    case "local":
      return localDiscovery(rest);
    case "etcd":
      return etcdFromUrl(rest);
    case "lan":
      return lanFromUrl(rest);
    case "k8s":
      return kubernetesFromUrl(rest);
    default:
      throw invalid(
        `${
          JSON.stringify(url)
        } is not a discovery URL known here; write static:HOST:PORT,HOST:PORT, ` +
          `file:PATH, local:NAMESPACE, lan:FLEET, dns:NAME:PORT, dns+srv:NAME, k8s:NAMESPACE/SERVICE[:PORT] or etcd:http(s)://HOST:PORT/PREFIX`,
      );
  }
}

function dnsFromUrl(rest: string, discover: typeof dnsDiscovery): Discovery {
  const [endpoint = "", query] = rest.split("?", 2);
  const nameServer = urlParameters("dns", query, ["ns"]).get("ns") ?? undefined;
  return discover(endpoint, { nameServer });
}
