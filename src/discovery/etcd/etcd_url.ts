import { Credentials } from "../../credentials/mod.ts";
import { invalid, urlParameters } from "../setting.ts";
import { type EtcdDiscovery, etcdDiscovery } from "./etcd.ts";

/**
 * The discovery that `etcd:http://HOST:PORT[,HOST:PORT]/PREFIX` or
 * `etcd:https://HOST:PORT[,HOST:PORT]/PREFIX?ca=FILE[&cert=FILE&key=FILE][&identity=ID]` names.
 *
 * @param rest What follows `etcd:`.
 * @throws {ConfigurationError} If `rest` is not of one of these forms.
 */
export function etcdFromUrl(rest: string): EtcdDiscovery {
  const match = /^(https?):\/\/([^/?#]+)\/([^?#]+)(?:\?([^#]*))?$/.exec(rest);
  if (match === null) {
    throw invalid("etcd discovery is written etcd:http(s)://HOST:PORT[,HOST:PORT]/PREFIX");
  }
  const [, scheme, hosts = "", prefix = "", query] = match;
  const parameters = urlParameters("etcd", query, ["ca", "cert", "key", "identity"]);
  const endpoints = hosts.split(",");
  const common = { endpoints, prefix: decoded(prefix) };
  if (scheme === "http") {
    if (parameters.size > 0) {
      throw invalid("the parameters of etcd discovery are for https");
    }
    return etcdDiscovery(common);
  }
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => parameters.get(name) ?? undefined);
  if (ca === undefined) {
    throw invalid("etcd over https needs ca=FILE, the authorities to trust");
  }
  const credentials = cert === undefined && key === undefined
    ? Credentials.watchFiles({ ca, oneWay: true })
    : Credentials.watchFiles({ ca, ...(cert && { cert }), ...(key && { key }) });
  const identity = parameters.getAll("identity");
  return etcdDiscovery({ ...common, credentials, ...(identity.length > 0 && { identity }) });
}

function decoded(prefix: string): string {
  try {
    return decodeURIComponent(prefix);
  } catch {
    throw invalid(
      `the prefix ${JSON.stringify(prefix)} of etcd discovery is not percent-encoded UTF-8`,
    );
  }
}
