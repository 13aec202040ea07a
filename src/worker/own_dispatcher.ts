import { credentialsFrom, type CredentialsSource } from "../credentials/mod.ts";
import { type Dispatcher, dispatcherOver, type WorkerSource } from "../dispatch/mod.ts";
import type { Clock, EventHub } from "../observe/mod.ts";
import type { WorkerServerOptions } from "./options.ts";
import { OwnSocket, type OwnSocketOptions } from "./own_socket.ts";

/** Where it takes the calls of its own routines, where they can call: it has credentials, or knows where workers are. */
export async function ownSocketOf(
  { dispatcher }: WorkerServerOptions,
  options: OwnSocketOptions,
): Promise<OwnSocket | undefined> {
  if (dispatcher === undefined && options.credentials === undefined) return undefined;
  if (dispatcher !== undefined && staysInMemory(dispatcher.discovery)) return undefined;
  return await OwnSocket.make(options);
}

/** What the dispatcher of a worker's own routines stands on. */
export interface OwnDispatcherGround {
  readonly credentials: CredentialsSource | undefined;
  readonly hub: EventHub;
  readonly id: string;
  readonly clock: Clock;
  readonly own: OwnSocket | undefined;
}

/**
 * The dispatcher of the worker's own routines: with its credentials, unless it is given others. Without a discovery
 * it finds the worker itself. Ambient values go with its calls only where the trust is the worker's own.
 */
export async function openOwnDispatcher(
  { dispatcher, strict }: WorkerServerOptions,
  { credentials, hub, id, clock, own }: OwnDispatcherGround,
): Promise<Dispatcher | undefined> {
  if (dispatcher === undefined) {
    if (own === undefined) return undefined;
    const source = { discovery: own.discovery };
    return await dispatcherOver([source], { strict }, { clock, id, own, inherits: "everything" });
  }
  const lent = credentials === undefined || staysInMemory(dispatcher.discovery)
    ? undefined
    : credentialsFrom(() => lend(credentials));
  const source = { ...dispatcher, credentials: dispatcher.credentials ?? lent };
  const inherits = dispatcher.credentials === undefined ? "everything" : "bounds";
  return await dispatcherOver([source], dispatcher, { hub, clock, id, own, inherits });
}

/** Whether the configuration names nobody but in this process, where there is nobody to prove. */
function staysInMemory(discovery: WorkerSource["discovery"]): boolean {
  return typeof discovery === "string" && /^static:memory:[^,]+(,memory:[^,]+)*$/.test(discovery);
}

/** The worker's credentials, which are not the dispatcher's to close. */
function lend(source: CredentialsSource): Promise<CredentialsSource> {
  return Promise.resolve({
    current: () => source.current(),
    subscribe: (listener) => source.subscribe(listener),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}
