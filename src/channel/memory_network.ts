import { type ByteChannel, memoryChannelPair } from "../http2/mod.ts";
import { unusable } from "../errors/mod.ts";
import { keptContext } from "../platform/mod.ts";
import type { PeerIdentity } from "../identity/mod.ts";
import { formatAddress, type MemoryAddress } from "./address.ts";

/** Who dials within the process; nothing proves it, both ends are the same program. */
export interface MemoryDialler {
  /** The identity it goes by. Default: none. */
  readonly identity?: PeerIdentity;
}

/** Called for every dial of a listener in memory. */
export type OnMemoryChannel = (channel: ByteChannel, dialler: MemoryDialler) => void;

/** Each with what runs it as where it was added: a call that dials is no part of it. */
const listeners = new Map<
  string,
  { readonly onChannel: OnMemoryChannel; readonly inListener: ReturnType<typeof keptContext> }
>();

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
  const listener = { onChannel, inListener: keptContext() };
  listeners.set(name, listener);
  return {
    [Symbol.dispose](): void {
      if (listeners.get(name) === listener) listeners.delete(name);
    },
  };
}

/** Dials a name within this process; `undefined` where nobody listens there. */
export function dialInMemory(
  address: MemoryAddress,
  dialler: MemoryDialler,
): ByteChannel | undefined {
  const listener = listeners.get(address.name);
  if (listener === undefined) return undefined;
  const [ours, theirs] = memoryChannelPair();
  listener.inListener(() => listener.onChannel(theirs, dialler));
  return ours;
}
