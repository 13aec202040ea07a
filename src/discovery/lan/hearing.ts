import { decodeMessage, type LanMessage } from "./message.ts";
import { Multicast, type MulticastOptions } from "./multicast.ts";

/** Hears the messages of the networks of this machine, until it is disposed of. */
export function openMulticast(
  options: Omit<MulticastOptions, "onMessage">,
  onMessage: (message: LanMessage) => void,
): Multicast {
  return new Multicast({ ...options, onMessage: (bytes) => read(bytes, onMessage) });
}

/** Passes on what is a message; anybody on the network can send anything. */
function read(bytes: Uint8Array, onMessage: (message: LanMessage) => void): void {
  let message: LanMessage;
  try {
    message = decodeMessage(bytes);
  } catch {
    return;
  }
  onMessage(message);
}
