import type { Address } from "../channel/mod.ts";
import type { DialledPeer } from "./dialled_peer.ts";
import type { DialPeerOptions } from "./options.ts";

/**
 * Dials a worker, proves it and is taken by it.
 *
 * @throws {HandshakeError} where either side will not go on.
 * @throws {WorkerUnavailable} where nobody is reached.
 * @throws the signal's reason where the caller gave up.
 */
export function dialPeer(_address: Address, _options: DialPeerOptions): Promise<DialledPeer> {
  return Promise.reject(new Error("dialPeer is not there yet"));
}
