import { certificateRequest, encryptedExtensions, readClientHello, serverHello } from "./hello.ts";
import { makeKeyShare } from "./key_share.ts";
import { MESSAGE } from "./message.ts";
import { joined } from "./octets.ts";
import { readHello } from "./raw_client.ts";
import { type Heard, RawPeer } from "./raw_peer.ts";
import { RecordLayer } from "./record_layer.ts";
import { CONTENT } from "./record_protection.ts";

/** A server, and what its clients did. */
export interface RawServer extends AsyncDisposable {
  readonly address: { readonly kind: "tcp"; readonly host: string; readonly port: number };
  /** Takes no more clients, and reports what each has said once all have left. */
  heard(): Promise<readonly Heard[]>;
}

/**
 * Listens. Each client is answered with the server's hello, its extensions and a request for a certificate;
 * what follows is for `act` to write, and to send.
 */
export function listenRaw(act: (peer: RawPeer) => Promise<void>): RawServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clients: Promise<Heard>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) clients.push(serve(connection, act));
  })();
  let open = true;
  const stop = async (): Promise<void> => {
    if (open) listener.close();
    open = false;
    await accepting;
  };
  return {
    address: { kind: "tcp", host: "127.0.0.1", port: listener.addr.port },
    async heard() {
      await stop();
      return await Promise.all(clients);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await Promise.allSettled(clients);
    },
  };
}

async function serve(
  connection: Deno.TcpConn,
  act: (peer: RawPeer) => Promise<void>,
): Promise<Heard> {
  const records = new RecordLayer(connection);
  const hello = await readHello(records, MESSAGE.clientHello);
  const { sessionId, share: theirs } = readClientHello(hello.body);
  const { share, agree } = await makeKeyShare();
  const answer = serverHello(sessionId, share);
  await records.write(CONTENT.handshake, answer);
  const hellos = joined(hello.octets, answer);
  const peer = await RawPeer.after(hellos, await agree(theirs), "server", records);
  await peer.handshake(encryptedExtensions());
  await peer.handshake(certificateRequest());
  await act(peer);
  return await peer.heard();
}
