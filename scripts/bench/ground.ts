import { Credentials, Dispatcher } from "../../mod.ts";
import { createAuthority, type CredentialPem } from "../../src/credentials/mod.ts";
import { MESSAGE_BYTES, type WorkerSettings } from "./bench_worker.ts";
import { processorUs } from "./processor_time.ts";
import { add } from "./routines.ts";
import { WorkerProcess } from "./worker_process.ts";

const WORKER = "spiffe://bench.local/worker";
const CALLER = "spiffe://bench.local/caller";
const LIFETIME_MS = 24 * 3_600_000;

/** A process of workers, and a dispatcher here that knows them. */
export interface Pair {
  readonly worker: WorkerProcess;
  readonly dispatcher: Dispatcher;
}

/** Starts the workers that scenarios ask for, each kind once, and keeps them until the end. */
export class Ground implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  readonly #pairs = new Map<string, Promise<Pair>>();
  readonly #authority = createAuthority({ name: "bench", ttlMs: LIFETIME_MS });
  readonly #own = this.#pem("worker", WORKER);

  /** What callers show. */
  readonly credentials: Credentials = Credentials.fromPem(this.#pem("caller", CALLER));

  /** Who every worker is. */
  readonly identity = WORKER;

  /** Mutual TLS, which most is measured under. */
  mutual(settings: Omit<WorkerSettings, "pem"> = {}): Promise<Pair> {
    return this.#pair(JSON.stringify(settings), async () => {
      const worker = await this.start(settings);
      const dispatcher = await this.dial(worker);
      if (worker.addresses.length > 1) await settle({ worker, dispatcher });
      return { worker, dispatcher };
    });
  }

  /** Tokens that the worker verifies. */
  token(): Promise<Pair> {
    return this.#pair("token", async () => {
      // Commits that are measured as a baseline may lack it.
      const { exportJWK, generateKeyPair, SignJWT } = await import("jose");
      const { publicKey, privateKey } = await generateKeyPair("ES256");
      const claims = { iss: "https://issuer.bench.local", aud: WORKER, sub: "alice", scope: "r" };
      const jwks = { keys: [{ ...await exportJWK(publicKey), kid: "k1" }] };
      const token = await new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1_000) + 86_400 })
        .setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(privateKey);
      const worker = await this.start({
        tokens: { issuer: claims.iss, audience: claims.aud, jwks },
      });
      return { worker, dispatcher: await this.dial(worker, { token }) };
    });
  }

  /** One-way TLS, on our listener or on the platform's. */
  oneWay(nativeTls: boolean): Promise<Pair> {
    return this.#pair(`one-way ${nativeTls}`, async () => {
      const { cert, key, ca } = this.#own;
      const pem = { cert: cert!, key: key!, oneWay: true };
      const worker = this.#resources.use(await WorkerProcess.start({ pem, nativeTls }));
      const credentials = Credentials.fromPem({ ca: ca!, oneWay: true });
      return { worker, dispatcher: await this.dial(worker, { credentials }) };
    });
  }

  /** No TLS: a port of the loopback, or a unix socket in a folder of ours. */
  plaintext(kind: "tcp" | "unix"): Promise<Pair> {
    return this.#pair(kind, async () => {
      let listen: string | undefined;
      if (kind === "unix") {
        const folder = await Deno.makeTempDir({ prefix: "selvage-bench-" });
        this.#resources.defer(() => Deno.remove(folder, { recursive: true }));
        listen = `unix:${folder}/worker`;
      }
      const worker = this.#resources.use(
        await WorkerProcess.start(listen === undefined ? {} : { listen }),
      );
      const dispatcher = await Dispatcher.open({ discovery: staticUrl(worker) });
      return { worker, dispatcher: await ready(this.#resources.use(dispatcher), worker) };
    });
  }

  /** Starts a process of workers under mutual TLS. */
  async start(settings: Omit<WorkerSettings, "pem">): Promise<WorkerProcess> {
    return this.#resources.use(await WorkerProcess.start({ ...settings, pem: this.#own }));
  }

  /** Opens a dispatcher and connects to every worker. */
  async dial(
    worker: WorkerProcess,
    { credentials = this.credentials, token }: { credentials?: Credentials; token?: string } = {},
  ): Promise<Dispatcher> {
    const dispatcher = await Dispatcher.open({
      discovery: staticUrl(worker),
      credentials,
      identity: WORKER,
      limits: { messageBytes: MESSAGE_BYTES },
      ...(token !== undefined && { token }),
    });
    return await ready(this.#resources.use(dispatcher), worker);
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #pair(name: string, make: () => Promise<Pair>): Promise<Pair> {
    const pair = this.#pairs.get(name) ?? make();
    this.#pairs.set(name, pair);
    return pair;
  }

  #pem(name: string, spiffe: string): CredentialPem {
    const options = { name, spiffe, ttlMs: LIFETIME_MS };
    const { caPem: ca, certPem: cert, keyPem: key } = this.#authority.issue(options);
    return { ca, cert, key };
  }
}

/** With its first call each worker starts a thread that watches over its loop: a hundred take seconds. */
async function settle({ worker, dispatcher }: Pair): Promise<void> {
  const calls = 20 * worker.addresses.length;
  await Promise.all(Array.from({ length: calls }, () => dispatcher.call(add, [1, 2])));
  let before = await processorUs(worker.pid);
  for (let turn = 0; turn < SETTLED_TURNS; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const after = await processorUs(worker.pid);
    if (after - before < 20_000) return;
    before = after;
  }
}

const SETTLED_TURNS = 100;

function staticUrl({ addresses }: WorkerProcess): string {
  return `static:${addresses.join(",")}`;
}

async function ready(dispatcher: Dispatcher, { addresses }: WorkerProcess): Promise<Dispatcher> {
  await dispatcher.ready({ min: addresses.length });
  return dispatcher;
}
