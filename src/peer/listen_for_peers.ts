import type { Address } from "../channel/mod.ts";
import type { ListenForPeersOptions, PeerListener } from "./options.ts";

/**
 * Listens for peers, proves them, and gives each that is allowed an HTTP/2 connection.
 *
 * @throws {ConfigurationError} where the address cannot be listened on.
 */
export function listenForPeers(
  _address: Address,
  _options: ListenForPeersOptions,
): Promise<PeerListener> {
  return Promise.reject(new Error("listenForPeers is not there yet"));
}
