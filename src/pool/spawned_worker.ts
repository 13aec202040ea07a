/**
 * What runs in a process that a pool has spawned. It is imported before the modules it serves, by
 * the `data:` module that is the process's main one.
 *
 * @module
 */
import type { DiscoveredWorker } from "../discovery/mod.ts";
import { ConfigurationError, unusable } from "../errors/mod.ts";
import type { EventStream } from "../observe/mod.ts";
import { receivedAuthenticator } from "../policy/mod.ts";
import { beginModuleLoad, collectOnceIdle, reportBlockedOn, WorkerServer } from "../worker/mod.ts";
import { handedCredentials } from "./handed_credentials.ts";
import { type FromChild, lineOf, type ToChild } from "./handover.ts";
import { readLines } from "./line_reader.ts";
import { Roster } from "./roster.ts";
import { asError, messageOf, present } from "../values/mod.ts";

/**
 * Serves the routines of the modules until the pool says otherwise or is gone.
 *
 * @param modules Each loads one module; the platform allows it because each is written out.
 */
export async function serve(modules: readonly (() => Promise<unknown>)[]): Promise<void> {
  guardOutput();
  ignoreInterrupts();
  reportBlockedOn("pool");
  const pool = messagesOfPool();
  try {
    const { value: begin } = await pool.next();
    if (begin?.kind !== "begin") throw new ConfigurationError("this process is started by a pool");
    await load(modules);
    const inlet = handedCredentials(begin.credentials);
    const outlet = begin.dispatcher?.credentials === undefined
      ? undefined
      : handedCredentials(begin.dispatcher.credentials);
    const siblings = begin.siblings ? new Siblings() : undefined;
    const worker = await WorkerServer.start({
      id: begin.id,
      listen: "127.0.0.1:0",
      // Without one, its routines call each other on this worker.
      ...present({
        dispatcher: siblings === undefined
          ? begin.dispatcher && { ...begin.dispatcher, credentials: outlet?.credentials }
          : { discovery: siblings.roster },
      }),
      modules: begin.modules,
      credentials: inlet.credentials,
      allow: [...begin.allow, begin.identity],
      policy: begin.policy,
      authenticate: begin.authenticate && receivedAuthenticator(begin.authenticate),
      strict: true,
      tags: begin.tags,
      sendStacks: true,
      sendErrorData: true,
      threads: begin.threads,
      limits: begin.limits,
    });
    sendEvents(worker.events(), () => void worker.drain().then(() => Deno.exit(1)));
    send(readiness(worker));
    collectOnceIdle(worker);
    Deno.addSignalListener("SIGTERM", () => void worker.drain().then(() => Deno.exit(0)));
    for await (const message of pool) {
      if (message.kind === "credentials") {
        (message.for === "worker" ? inlet : outlet)?.hand(message.credentials);
      }
      if (message.kind === "siblings") siblings?.set(message.workers);
      if (message.kind === "ping") send({ event: "worker.alive", ping: message.ping });
      if (message.kind === "drain") {
        worker.drain({ graceMs: message.graceMs }).then(() => Deno.exit(0));
      }
    }
  } catch (error) {
    const { name, message } = asError(error);
    send({ event: "worker.failed", name, message });
    Deno.exit(1);
  }
}

/** The workers of the pool, as it reports them; until it has for the first time, calls wait. */
class Siblings {
  readonly roster = new Roster(() => !this.#known);
  #known = false;

  set(workers: readonly DiscoveredWorker[]): void {
    this.#known = true;
    this.roster.set(workers);
  }
}

async function load(modules: readonly (() => Promise<unknown>)[]): Promise<void> {
  using _loading = beginModuleLoad("a worker of a pool");
  for (const module of modules) {
    try {
      await module();
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      const message = messageOf(error);
      throw unusable("modules", `a module cannot be loaded: ${message}`);
    }
  }
}

/** Standard output belongs to the pool; what routines print goes where their errors go. */
function guardOutput(): void {
  console.log = console.info = console.debug = console.error;
}

/** A terminal's Ctrl-C reaches every process of the group; the pool decides what becomes of us. */
function ignoreInterrupts(): void {
  Deno.addSignalListener("SIGINT", () => {});
}

/** The end of the input means that the pool is gone, however it went: so is its worker, then. */
async function* messagesOfPool(): AsyncGenerator<ToChild, void, undefined> {
  const arrived: ToChild[] = [];
  let wake = () => {};
  (async () => {
    try {
      for await (const line of readLines(Deno.stdin.readable)) {
        arrived.push(JSON.parse(line));
        wake();
      }
    } finally {
      Deno.exit(0);
    }
  })();
  for (;;) {
    const message = arrived.shift();
    if (message !== undefined) yield message;
    else await new Promise<void>((resolve) => wake = resolve);
  }
}

/** @param onThreadsLost Called when only the end of the process gives the cores of its threads back. */
async function sendEvents(events: EventStream, onThreadsLost: () => void): Promise<void> {
  for await (const { at: _at, origin: _origin, ...emitted } of events) {
    send({ event: "worker.emitted", emitted });
    if (emitted.type === "worker.threads-lost") onThreadsLost();
  }
}

function readiness({ id, address, url, security }: WorkerServer): FromChild {
  return { event: "worker.ready", id, address, url, security };
}

function send(message: FromChild): void {
  const bytes = new TextEncoder().encode(lineOf(message));
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
