import { createClient, type Transport } from "@connectrpc/connect";
import { parseAddress } from "../../src/channel/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { ClientConnection } from "../../src/http2/mod.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import { dialPeer } from "../../src/peer/mod.ts";
import { createTransport, type RpcProtocol } from "../../src/rpc/mod.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { MESSAGE_BYTES, type PeerPem, SERVER_ID } from "./ground.ts";

/** A client of ours on a foreign server, proven by its identity. */
export type OurClient = ReturnType<typeof createClient<typeof EchoService>>;

/** Opens one on the dispatcher's own transport, which speaks Connect. */
export async function dispatcherClient(
  port: number,
  pem: PeerPem,
): Promise<AsyncDisposable & { readonly client: OurClient; readonly dispatcher: Dispatcher }> {
  const dispatcher = await Dispatcher.open({
    discovery: `static:127.0.0.1:${port}`,
    credentials: Credentials.fromPem(pem),
    identity: SERVER_ID,
    limits: { messageBytes: MESSAGE_BYTES },
  });
  return {
    client: createClient(EchoService, dispatcher.transport),
    dispatcher,
    [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose](),
  };
}

/** Opens one that speaks any of the protocols, over a connection that is dialled again when it is left. */
export async function protocolClient(
  port: number,
  pem: PeerPem,
  protocol: RpcProtocol,
): Promise<AsyncDisposable & { readonly client: OurClient }> {
  const source = await Credentials.fromPem(pem).open();
  const address = parseAddress(`127.0.0.1:${port}`);
  const connections: ClientConnection[] = [];
  let current: Promise<ClientConnection> | undefined;

  async function dial(): Promise<ClientConnection> {
    const { connection } = await dialPeer(address, {
      credentials: source.current(),
      expected: [parsePattern(SERVER_ID)],
      worker: { address: `127.0.0.1:${port}` },
    });
    connections.push(connection);
    return connection;
  }

  const transport: Transport = createTransport({
    protocol,
    limits: { messageBytes: MESSAGE_BYTES },
    place: async () => {
      for (;;) {
        const dialled = current ??= dial();
        const connection = await dialled;
        if (connection.state === "open") return { connection };
        if (current === dialled) current = undefined;
      }
    },
  });
  return {
    client: createClient(EchoService, transport),
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.abort(0);
      await Promise.all(connections.map(({ closed }) => closed));
      await source[Symbol.asyncDispose]();
    },
  };
}
