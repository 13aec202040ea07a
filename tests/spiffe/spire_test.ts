import assert from "node:assert/strict";
import { join } from "node:path";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import type { EventOf, EventType } from "../../src/observe/mod.ts";
import { Credentials, spiffeJwtSvid } from "../../src/spiffe/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import * as routines from "../e2e/routines.ts";
import { Daemon } from "./daemon.ts";
import { makeCertificate } from "../support/certificates.ts";
import { makeDomain, svid, type TestDomain } from "./fake_agent.ts";
import { Trust } from "../e2e/trust.ts";
import { spiffeJwtSvids } from "../../src/policy/mod.ts";
import { oneWayDispatcher, oneWayWorker } from "../tokens/issuer.ts";
import { isSpireInstalled, Spire } from "./spire.ts";

const WORKER = "spiffe://example.org/worker";
const CLIENT = "spiffe://example.org/client/a";
const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MODULE = new URL("../e2e/routines.ts", import.meta.url).pathname;

/** What a worker writes to its log when it takes up new credentials. */
const ROTATED = /credentials\.rotated/;

const ignore = !isSpireInstalled();
if (ignore) {
  console.warn("SPIRE is not installed: run deno task test:spire, which builds it with Go");
}

Deno.test({
  name:
    "a worker and a dispatcher live on the SVIDs of a SPIRE that renews them and loses its agent",
  ignore,
  fn: async () => {
    await using spire = await Spire.start();
    await using folder = await programs();
    await spire.register({ id: WORKER, executable: folder.worker });
    await spire.register({ id: CLIENT, executable: folder.client });
    await using worker = startWorker(folder.worker, spire.socket);
    const ready = JSON.parse(await worker.line(/^\{"event":"worker\.ready"/));
    assert.equal(ready.security, "mutual-tls");
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${ready.address}`,
      credentials: Credentials.spiffeWorkloadApi({ socket: spire.socket }),
      identity: WORKER,
    });
    const events = new Events(dispatcher);
    const { peer: before } = await dispatcher.call(routines.whoami, []);
    assert.equal(before.identity, CLIENT);

    await using load = new Load(dispatcher);
    await Promise.all([events.until("credentials.rotated", 2), worker.line(ROTATED, 2)]);

    await spire.killAgent();
    const [lost] = await events.until("credentials.rejected", 1);
    assert.equal(lost?.reason, "provider-failed");
    assert.equal(lost.keptExpired, false);
    const known = { here: events.count("credentials.rotated"), there: worker.count(ROTATED) };
    await spire.startAgent();
    await Promise.all([
      events.until("credentials.rotated", known.here + 1),
      worker.line(ROTATED, known.there + 1),
    ]);

    const { peer: after } = await dispatcher.call(routines.whoami, []);
    assert.equal(after.identity, CLIENT);
    assert.notEqual(after.address, before.address, "calls go by a connection of new SVIDs");
    const { calls, items, failures } = await load.end();
    assert.deepEqual(failures, []);
    console.log(JSON.stringify({
      calls,
      items,
      failures: failures.length,
      rotations: { dispatcher: events.count("credentials.rotated"), worker: worker.count(ROTATED) },
      agentRestarts: 1,
    }));
    await assert.rejects(
      async () => {
        await using mistaken = await Dispatcher.open({
          discovery: `static:${ready.address}`,
          credentials: Credentials.spiffeWorkloadApi({ socket: spire.socket }),
          identity: "spiffe://example.org/other",
        });
        await mistaken.call(routines.add, [1, 2]);
      },
      (error) => error instanceof HandshakeError && error.reason === "identity-mismatch",
    );
  },
});

Deno.test({
  name:
    "under an upstream authority a bundle federated by SPIRE vouches for its own trust domain and nothing else",
  ignore,
  fn: async () => {
    const upstream = makeCertificate({ name: "team root", authority: true });
    await using spire = await Spire.start(upstream);
    const partner = makeDomain("partner.test");
    await spire.federate("spiffe://partner.test", partner.root.pem);
    const executable = await Deno.realPath("/proc/self/exe");
    await spire.register({ id: CLIENT, executable, federatesWith: "spiffe://partner.test" });
    const credentials = Credentials.spiffeWorkloadApi({ socket: spire.socket });
    await using source = await credentials.open();
    const { caPem: [ours], own } = source.current();
    // SPIRE's own certificate comes with the SVID; the bundle holds the root above it.
    assert.equal(own?.authorities.length, 1);
    assert.equal(ours?.replace(/\s/g, ""), upstream.pem.replace(/\s/g, ""));
    const call = async (domain: TestDomain, identity: string) => {
      const { certificate } = svid(domain, "worker");
      await using worker = await WorkerServer.start({
        routines,
        credentials: Credentials.fromPem({
          // A root that bears no SPIFFE ID vouches for our own domain unless it is given for another.
          ca: { "example.org": ours ?? "" },
          cert: certificate.pem,
          key: certificate.keyPem,
        }),
        allow: CLIENT,
      });
      await using dispatcher = await Dispatcher.open({
        discovery: `static:${worker.address}`,
        credentials,
        identity,
      });
      return await dispatcher.call(routines.add, [1, 2]);
    };
    assert.equal(await call(partner, "spiffe://partner.test/worker"), 3);
    const forged = { name: "example.org", root: partner.root };
    await assert.rejects(
      call(forged, WORKER),
      (error) => error instanceof HandshakeError && error.reason === "untrusted-authority",
    );
  },
});

/** The executables by whose paths SPIRE distinguishes the workloads. */
interface Programs extends AsyncDisposable {
  /** This process. */
  readonly client: string;
  /** The same program, at another path. */
  readonly worker: string;
}

async function programs(): Promise<Programs> {
  const client = await Deno.realPath("/proc/self/exe");
  const folder = await Deno.makeTempDir({ prefix: "selvage-spire-" });
  const worker = join(folder, "worker");
  await Deno.copyFile(client, worker);
  return {
    client,
    worker,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function startWorker(executable: string, socket: string): Daemon {
  return new Daemon(executable, {
    args: [
      ...["run", "--no-prompt", "--quiet", "--config", CONFIG, "-A", MAIN],
      ...["worker", MODULE, "--spiffe-socket", socket, "--allow", "spiffe://example.org/client/*"],
    ],
  });
}

/** Calls without a pause, with long calls and a stream among them, and counts. */
class Load implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #counts = { calls: 0, items: 0, failures: [] as unknown[] };

  constructor(dispatcher: Dispatcher) {
    const call = (routine: () => Promise<unknown>) => this.#repeat(routine);
    this.#running = Promise.all([
      call(() => dispatcher.call(routines.add, [1, 2])),
      call(() => dispatcher.call(routines.add, [1, 2])),
      call(() => dispatcher.call(routines.slow, [7000])),
      call(() => this.#stream(dispatcher)),
    ]);
  }

  /** Ends once all that was begun has ended. */
  async end() {
    this.#over.abort();
    await this.#running;
    return this.#counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #repeat(routine: () => Promise<unknown>): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        await routine();
        this.#counts.calls++;
      } catch (error) {
        this.#counts.failures.push(error);
      }
      await turn();
    }
  }

  async #stream(dispatcher: Dispatcher): Promise<void> {
    for await (const _item of dispatcher.stream(routines.count, ["spire", 1000])) {
      this.#counts.items++;
      await turn();
    }
  }
}

/** What a dispatcher reports. */
class Events {
  readonly #events: { readonly type: EventType }[] = [];
  #next = Promise.withResolvers<void>();

  constructor(dispatcher: Dispatcher) {
    void this.#read(dispatcher);
  }

  count(type: EventType): number {
    return this.#events.filter((event) => event.type === type).length;
  }

  async until<Type extends EventType>(type: Type, count: number): Promise<EventOf<Type>[]> {
    while (this.count(type) < count) await this.#next.promise;
    return this.#events.filter((event): event is EventOf<Type> => event.type === type);
  }

  async #read(dispatcher: Dispatcher): Promise<void> {
    for await (const event of dispatcher.events()) {
      this.#events.push(event);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    }
  }
}

/** About a thousand rounds a second: this is about faults, not about speed. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test({
  name: "a JWT-SVID that SPIRE gives is verified by the bundle that SPIRE gives",
  ignore,
  fn: async () => {
    await using spire = await Spire.start();
    const { socket } = spire;
    const executable = await Deno.realPath("/proc/self/exe");
    await spire.register({ id: CLIENT, executable });
    // The agent knows the workload once it gives it a certificate.
    await using _known = await Credentials.spiffeWorkloadApi({ socket }).open();
    const trust = new Trust();
    await using worker = await oneWayWorker(trust, {
      routines,
      authenticate: spiffeJwtSvids({ audience: "math-pool", socket }),
      policy: { rules: [{ effect: "allow", claims: { sub: CLIENT } }] },
    });
    const call = async (audience: string) => {
      const token = spiffeJwtSvid({ audience, socket });
      await using dispatcher = await oneWayDispatcher(trust, worker.address, { token });
      return await dispatcher.call(routines.whoami, []);
    };
    await call("math-pool");
    await assert.rejects(call("other"), { reason: "token-wrong-audience" });
  },
});
