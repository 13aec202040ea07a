import { Acceptance } from "./acceptance.ts";
import type { TcpAddress, UnixAddress } from "./address.ts";
import type { ListenOptions } from "./listen_options.ts";
import { ListeningSocket, type OnSocket } from "./listening_socket.ts";
import { Ring } from "../values/mod.ts";

/** A listening socket. */
export interface ChannelListener extends AsyncDisposable {
  /** Where it listens, with the port that was chosen. */
  readonly address: TcpAddress | UnixAddress;
  /** Takes no new connections; those under way go on. */
  stopAccepting(): void;
}

/**
 * Listens on a TCP or unix address.
 *
 * @throws {ConfigurationError} where the address cannot be listened on.
 */
export async function listenForChannels(
  address: TcpAddress | UnixAddress,
  options: ListenOptions,
): Promise<ChannelListener> {
  const acceptances = new Ring<Acceptance>();
  const onSocket: OnSocket = (socket, probes) => {
    const acceptance = new Acceptance(socket, address, options, probes, () => member.leave());
    const member = acceptances.add(acceptance);
    acceptance.begin();
  };
  const listening = await ListeningSocket.open(address, onSocket, options.onListening);
  return {
    address: listening.address,
    stopAccepting: () => listening.close(),
    [Symbol.asyncDispose](): Promise<void> {
      listening.close();
      for (const acceptance of acceptances) acceptance.abandon();
      return Promise.resolve();
    },
  };
}
