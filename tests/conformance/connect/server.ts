/**
 * The server that Connect's conformance suite tests: our router on our HTTP/2, with the TLS it is asked
 * to use. Reads one `ServerCompatRequest` and answers with the address.
 *
 * `server.ts DESCRIPTOR-SET [plain]`; `plain` keeps every call off the fast path.
 */
import {
  DEFAULT_SOCKET_LIMITS,
  listenForChannels,
  serverTls,
  SocketAdmission,
} from "../../../src/channel/mod.ts";
import { openServerConnection } from "../../../src/http2/mod.ts";
import { systemClock } from "../../../src/observe/mod.ts";
import { createRequestHandler, createRpcRouter } from "../../../src/rpc/mod.ts";
import { throughPlainPath } from "../../support/echo.ts";
import { framedInput, writeFramed } from "./framed_stdio.ts";
import { pemText, presents } from "./pinned_certificate.ts";
import { Schema, type ServerCompatRequest } from "./schema.ts";
import { conformanceService } from "./service.ts";

const schema = Schema.read();
const plain = Deno.args[1] === "plain";

for await (const bytes of framedInput()) {
  await serve(schema.decode<ServerCompatRequest>("ServerCompatRequest", bytes));
  break;
}

async function serve(request: ServerCompatRequest): Promise<void> {
  const { messageReceiveLimit: limit, serverCreds, clientTlsCert, useTls } = request;
  const router = createRpcRouter({
    json: { registry: schema.registry },
    ...(limit === 0 ? {} : { limits: { messageBytes: limit } }),
  });
  router.service(
    schema.service(),
    conformanceService(schema),
    plain ? { interceptors: [throughPlainPath] } : undefined,
  );
  const onRequest = createRequestHandler({
    router,
    admit: () => ({ admitted: true, context: undefined, release: () => {} }),
  })(undefined);
  const asksClients = clientTlsCert.length > 0;
  const tls = useTls && serverCreds !== undefined
    ? serverTls({
      identity: { certificate: pemText(serverCreds.cert), key: pemText(serverCreds.key) },
      mutual: asksClients,
      minVersion: "TLSv1.2",
    })
    : undefined;
  const listener = await listenForChannels({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
    tls: () => tls,
    handshakeTimeoutMs: 60_000,
    admission: new SocketAdmission(DEFAULT_SOCKET_LIMITS),
    onListening: () => {},
    clock: systemClock,
    refusesResumption: () => false,
    onChannel: (accepted) => {
      accepted.settle();
      if (asksClients && !presents(accepted.facts.tls, clientTlsCert)) accepted.channel.destroy();
      else openServerConnection(accepted.channel, { onRequest });
    },
    onFailure: ({ cause }) => {
      if (cause !== undefined) console.error("no channel:", cause.message);
    },
  });
  if (listener.address.kind !== "tcp") throw new TypeError("not a TCP listener");
  const { host, port } = listener.address;
  writeFramed(
    schema.encode("ServerCompatResponse", {
      host,
      port,
      pemCert: serverCreds?.cert ?? new Uint8Array(0),
    }),
  );
}
