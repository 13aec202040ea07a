import { type ByteChannel, memoryChannelPair } from "../http2/mod.ts";
import { unusable } from "../errors/mod.ts";
import type { PeerIdentity } from "../identity/mod.ts";
import { formatAddress, type MemoryAddress } from "./address.ts";

/** Who dials within the process; nothing proves it, both ends are the same program. */
export interface MemoryDialler {
  /** The identity it goes by. Default: none. */
  readonly identity?: PeerIdentity;
}

/** Called for every dial of a listener in memory. */
export type OnMemoryChannel = (channel: ByteChannel, dialler: MemoryDialler) => void;

const listeners = new Map<string, OnMemoryChannel>();

/**
 * Listens under a name within this process, until the result is disposed of.
 *
 * @throws {ConfigurationError} where the name is taken.
 */
export function listenInMemory(address: MemoryAddress, onChannel: OnMemoryChannel): Disposable {
  const { name } = address;
  if (listeners.has(name)) {
    throw unusable("listen", `${formatAddress(address)} already has a listener`);
  }
  listeners.set(name, onChannel);
  return {
    [Symbol.dispose](): void {
      if (listeners.get(name) === onChannel) listeners.delete(name);
    },
  };
}

/** Dials a name within this process; `undefined` where nobody listens there. */
export function dialInMemory(
  address: MemoryAddress,
  dialler: MemoryDialler,
): ByteChannel | undefined {
  const onChannel = listeners.get(address.name);
  if (onChannel === undefined) return undefined;
  const [ours, theirs] = memoryChannelPair();
  onChannel(theirs, dialler);
  return ours;
}
