import { createClient } from "@connectrpc/connect";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { RpcProtocol } from "../../src/rpc/mod.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { MESSAGE_BYTES, type PeerPem, SERVER_ID } from "./ground.ts";

/** A client of ours on a foreign server, proven by its identity. */
export type OurClient = ReturnType<typeof createClient<typeof EchoService>>;

/** Opens one on a dispatcher, in any of the protocols; `connect` is the dispatcher's own transport. */
export async function dispatcherClient(
  port: number,
  pem: PeerPem,
  protocol: RpcProtocol = "connect",
): Promise<AsyncDisposable & { readonly client: OurClient; readonly dispatcher: Dispatcher }> {
  const dispatcher = await Dispatcher.open({
    discovery: `static:127.0.0.1:${port}`,
    credentials: Credentials.fromPem(pem),
    identity: SERVER_ID,
    limits: { messageBytes: MESSAGE_BYTES },
  });
  return {
    client: createClient(EchoService, dispatcher.transportFor({ protocol })),
    dispatcher,
    [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose](),
  };
}
