import {
  type Address,
  type ChannelListener,
  listenForChannels,
  listenNatively,
  type ListenOptions,
  type MemoryAddress,
  NATIVE_DESCRIPTORS,
  openFileLimit,
} from "../channel/mod.ts";
import { unusable } from "../errors/mod.ts";
import type { Generations } from "./generations.ts";
import type { ListenForPeersOptions } from "./options.ts";

/**
 * Opens the socket that a listener for peers accepts from: our own, or the platform's where that is asked for
 * and the process has the file descriptors for it.
 *
 * @throws {ConfigurationError} where the address cannot be listened on, or not with the platform's TLS.
 */
export async function openChannels(
  address: Exclude<Address, MemoryAddress>,
  listening: ListenForPeersOptions,
  generations: Generations | undefined,
  options: ListenOptions,
): Promise<ChannelListener> {
  const { nativeTls = false, credentials, minTlsVersion } = listening;
  if (!nativeTls) return await listenForChannels(address, options);
  const { own, mode } = generations?.current.material ?? {};
  const tls = generations?.current.tls;
  if (
    address.kind !== "tcp" || own === undefined || tls === undefined || mode !== "one-way" ||
    credentials?.fixed !== true || minTlsVersion === "TLSv1.3"
  ) {
    throw unusable(
      "nativeTls",
      "the platform's TLS listener serves one-way TLS on TCP, from TLS 1.2 on, with credentials that " +
        "never change (Credentials.fromPem or .fromFiles), and nothing else",
    );
  }
  const { descriptors = openFileLimit() } = listening;
  if (descriptors < NATIVE_DESCRIPTORS) return await listenForChannels(address, options);
  return listenNatively(address, { certificate: own.certPem, key: own.keyPem }, tls, options);
}
