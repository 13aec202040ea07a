import { type CredentialPem, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher, type DispatcherOptions } from "../../src/dispatch/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import * as routines from "./routines.ts";
import { type Trust, WORKER_ID } from "./trust.ts";

/** The clients that workers of these tests allow. */
export const ALLOWED = "spiffe://example.org/client/*";

/** How long a handshake may take: no test of these waits for its end, and a busy machine takes its time. */
const handshakeTimeoutMs = 60_000;

/** Starts a worker in this process, over mutual TLS. */
export function startWorker(
  trust: Trust,
  options: Partial<WorkerServerOptions> = {},
  pem: CredentialPem = trust.worker(),
): Promise<WorkerServer> {
  return WorkerServer.start({
    routines,
    credentials: Credentials.fromPem(pem),
    allow: ALLOWED,
    ...options,
    limits: { handshakeTimeoutMs, ...options.limits },
  });
}

/** Opens a dispatcher of workers at some addresses, over mutual TLS. */
export function openDispatcher(
  trust: Trust,
  addresses: string | readonly string[],
  options: Partial<DispatcherOptions> = {},
): Promise<Dispatcher> {
  return Dispatcher.open({
    discovery: `static:${typeof addresses === "string" ? addresses : addresses.join(",")}`,
    credentials: trust.client(),
    identity: WORKER_ID,
    ...options,
    limits: { handshakeTimeoutMs, ...options.limits },
  });
}
