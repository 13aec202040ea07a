import { clientContext, dialChannel } from "../../../src/channel/mod.ts";
import { type ClientConnection, openClientConnection } from "../../../src/http2/mod.ts";
import { pemText, presents } from "./pinned_certificate.ts";
import type { ClientCompatRequest } from "./schema.ts";

const connections = new Map<string, Promise<ClientConnection>>();

/** A connection to the server of a call, shared by the calls to it that prove themselves alike. */
export async function connectionTo(request: ClientCompatRequest): Promise<ClientConnection> {
  const { host, port, serverTlsCert, clientTlsCreds } = request;
  const key = `${host} ${port} ${serverTlsCert} ${clientTlsCreds?.cert}`;
  const known = await connections.get(key);
  if (known?.state === "open") return known;
  const dialled = dial(request);
  connections.set(key, dialled);
  return await dialled;
}

async function dial(request: ClientCompatRequest): Promise<ClientConnection> {
  const { host, port, serverTlsCert, clientTlsCreds } = request;
  const encrypted = serverTlsCert.length > 0;
  const identity = clientTlsCreds && {
    certificate: pemText(clientTlsCreds.cert),
    key: pemText(clientTlsCreds.key),
  };
  const context = clientContext({
    ca: [pemText(serverTlsCert)],
    minVersion: "TLSv1.2",
    ...(identity && { identity }),
  });
  const dialled = await dialChannel({ kind: "tcp", host, port }, {
    signal: { timeout: AbortSignal.timeout(60_000) },
    ...(encrypted ? { tls: { context, mutual: identity !== undefined } } : {}),
  });
  if (!dialled.ok) throw dialled.cause ?? new Error(`no channel: ${dialled.stage}`);
  if (encrypted && !presents(dialled.facts.tls, serverTlsCert)) {
    dialled.channel.destroy();
    throw new Error("the server presents another certificate");
  }
  return openClientConnection(dialled.channel);
}
