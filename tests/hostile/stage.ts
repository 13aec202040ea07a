import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createAuthority, type CredentialPem, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { WorkerLimits } from "../../src/worker/mod.ts";
import type { Target } from "./attacker.ts";
import { echo, type Held, held } from "./routines.ts";
import { WorkerProcess } from "./worker_process.ts";

const WORKER_ID = "spiffe://example.org/worker";
const ALLOWED = "spiffe://example.org/client/*";
/** Who calls beside the attack at the same time. */
const CALLERS = 4;
/** Calls that must have been made beside each attack, however short it is. */
const CALLS = 20;
/**
 * Between two calls of one caller, in milliseconds: what calls keep of the processor is measured elsewhere. An attack
 * that has lasted for so many calls mostly waits for the clock, and calls beside it are fewer.
 */
const PAUSE_MS = 3;
const MANY_CALLS = 400;
const LONG_PAUSE_MS = 50;
/** Between two looks at what the worker holds, in milliseconds: it collects garbage at each. */
const LOOK_MS = 20;
/** Files that a worker opens for itself now and then; an attack's sockets are more. */
const OWN_FILES = 4;
/** How long sockets and calls may take to go; far longer than they do. */
const SETTLE_MS = 60_000;

/** A worker process, an honest client of it, and what an attacker holds who may connect. */
export class Stage implements AsyncDisposable {
  /** What attackers need. */
  readonly target: Target;
  /** The honest client. */
  readonly dispatcher: Dispatcher;
  readonly #resources: AsyncDisposableStack;

  private constructor(target: Target, dispatcher: Dispatcher, resources: AsyncDisposableStack) {
    this.target = target;
    this.dispatcher = dispatcher;
    this.#resources = resources;
  }

  /** Opens it over mutual TLS: with the command's own limits, or with these. */
  static async open(limits?: WorkerLimits): Promise<Stage> {
    await using opening = new AsyncDisposableStack();
    const authority = createAuthority();
    const issue = (
      name: string,
      spiffe: string,
    ): Required<Pick<CredentialPem, "ca" | "cert" | "key">> => {
      const { certPem: cert, keyPem: key } = authority.issue({ name, spiffe, ip: ["127.0.0.1"] });
      return { ca: authority.certPem, cert, key };
    };
    const pem = issue("worker", WORKER_ID);
    const worker = opening.use(
      limits === undefined
        ? await WorkerProcess.command(await flagsOf(pem, opening))
        : await WorkerProcess.with({ trust: { pem, allow: ALLOWED }, limits }),
    );
    const { port } = worker;
    const dispatcher = opening.use(
      await Dispatcher.open({
        discovery: `static:127.0.0.1:${port}`,
        credentials: Credentials.fromPem(issue("honest", "spiffe://example.org/client/honest")),
        identity: WORKER_ID,
      }),
    );
    await dispatcher.call(echo, [0]);
    const tls = issue("attacker", "spiffe://example.org/client/attacker");
    return new Stage({ port, tls }, dispatcher, opening.move());
  }

  /**
   * Opens it without TLS: attackers come over one of TCP on loopback and a unix socket, the honest client,
   * which has no name either, over the other.
   */
  static async openPlaintext(over: "tcp" | "unix", limits?: WorkerLimits): Promise<Stage> {
    await using opening = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir();
    opening.defer(() => Deno.remove(folder, { recursive: true }));
    const path = join(folder, "worker.sock");
    const worker = opening.use(
      await WorkerProcess.with({
        listen: ["127.0.0.1:0", `unix:${path}`],
        ...(limits === undefined ? {} : { limits }),
      }),
    );
    const { port } = worker;
    const honest = over === "tcp" ? `unix:${path}` : `127.0.0.1:${port}`;
    const dispatcher = opening.use(await Dispatcher.open({ discovery: `static:${honest}` }));
    await dispatcher.call(echo, [0]);
    const target = over === "tcp" ? { port } : { port, path };
    return new Stage(target, dispatcher, opening.move());
  }

  /** What the worker holds. */
  held(): Promise<Held> {
    return this.dispatcher.call(held, []);
  }

  /** Waits until the worker has let go of every call that it had not before, and of nearly every file. */
  async settled(before: Held): Promise<Held> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const now = await this.held();
      const [files, holding] = [now.files - before.files, now.holding - before.holding];
      if (files <= OWN_FILES && holding <= 0) return now;
      if (performance.now() > until) {
        throw new Error(`${files} files and ${holding} calls are kept`);
      }
      await delay(LOOK_MS);
    }
  }

  /** Calls again and again while something goes on; not one call may fail. */
  async beside<Result>(attack: Promise<Result>): Promise<Result> {
    let over = false;
    let calls = 0;
    const caller = async (): Promise<void> => {
      while (!over || calls < CALLS) {
        calls += 1;
        const value = calls;
        const echoed = await this.dispatcher.call(echo, [value]);
        if (echoed !== value) throw new Error(`${value} came back as ${echoed}`);
        await delay(calls < MANY_CALLS ? PAUSE_MS : LONG_PAUSE_MS);
      }
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    try {
      // Whichever fails first.
      return (await Promise.all([attack, Promise.race([attack, callers])]))[0];
    } finally {
      over = true;
      await callers;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function flagsOf(
  pem: Required<Pick<CredentialPem, "ca" | "cert" | "key">>,
  opening: AsyncDisposableStack,
): Promise<readonly string[]> {
  const folder = await Deno.makeTempDir();
  opening.defer(() => Deno.remove(folder, { recursive: true }));
  const flags = [];
  for (const name of ["ca", "cert", "key"] as const) {
    const path = join(folder, `${name}.pem`);
    await Deno.writeTextFile(path, pem[name]);
    flags.push(`--${name}`, path);
  }
  return [...flags, "--allow", ALLOWED];
}
