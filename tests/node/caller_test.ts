import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";
import { routine } from "../../src/contract/mod.ts";
import { type Authority, createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WORKER = "spiffe://example.org/worker";
const CALLER = "spiffe://example.org/caller";

Deno.test("the npm form runs on Node 24: calls, rotation, named failures, and what needs Deno says so", async (t) => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await installed(folder);
  const authority = createAuthority();
  await issueCaller(authority, folder);
  await Deno.writeTextFile(`${folder}/ca.pem`, authority.certPem);
  const worker = stack.use(await workerOf(authority, CALLER));
  const narrow = stack.use(await workerOf(authority, "spiffe://example.org/other"));
  const caller = stack.use(
    new NodeCaller(folder, { address: worker.address, refusing: narrow.address, pki: folder }),
  );

  await t.step("a call and a stream over mutual TLS", async () => {
    assert.deepEqual(await caller.ask("call"), { answer: 3 });
    assert.deepEqual(await caller.ask("stream"), { answer: [0, 1, 2] });
  });

  await t.step("watched files that are replaced are taken up, and calls go on", async () => {
    const [before] = worker.peers();
    await issueCaller(authority, folder);
    assert.deepEqual(await caller.ask("rotated"), { answer: "credentials.rotated" });
    assert.deepEqual(await caller.ask("call"), { answer: 3 });
    assert.ok(before !== undefined);
  });

  await t.step("a worker with another identity is a named failure", async () => {
    const { answer } = await caller.ask("renamed");
    const { name, reason, message } = answer as Failure;
    assert.deepEqual([name, reason], ["HandshakeError", "identity-mismatch"], message);
  });

  await t.step("a worker that refuses the caller gives its reason", async () => {
    const { answer } = await caller.ask("refused");
    const { name, reason, peerReason, message } = answer as Failure;
    assert.deepEqual(
      [name, reason, peerReason],
      ["HandshakeError", "client-certificate-refused", "subject-not-allowed"],
      message,
    );
  });

  await t.step("WorkerPool.open says where it runs", async () => {
    const { answer } = await caller.ask("pool");
    const { name, message } = answer as Failure;
    assert.equal(name, "ConfigurationError");
    assert.match(message, /^WorkerPool runs on Deno, and this is Node v24\./);
  });

  await t.step("a dispatcher's admin socket says where it runs", async () => {
    const { answer } = await caller.ask("admin");
    const { name, message } = answer as Failure;
    assert.equal(name, "ConfigurationError");
    assert.match(message, /^the admin socket runs on Deno, and this is Node v24\./);
  });

  await t.step(
    "the types that are packed hold a caller in TypeScript to each routine's own",
    async () => {
      await Deno.writeTextFile(`${folder}/typed_caller.ts`, TYPED_CALLER);
      await Deno.writeTextFile(`${folder}/tsconfig.json`, TSCONFIG);
      await run("npx", ["tsc", "-p", "."], folder);
    },
  );

  await t.step("a worker and a dispatcher in memory, for tests", async () => {
    assert.deepEqual(await caller.ask("memory"), { answer: 42 });
  });
});

/** Every entry point of callers; a call with the wrong arguments, and a wrong result, must not compile. */
const TYPED_CALLER = `
import { Credentials, Dispatcher, HandshakeError, type Routine, routine, WorkerPool } from "@selvage/runtime";
import { roundRobin } from "@selvage/runtime/dispatcher";
import "@selvage/runtime/http2";
import { duplexRoutine } from "@selvage/runtime/routine";
import { inMemory } from "@selvage/runtime/testing";
import "@selvage/runtime/worker";

const add: Routine<(a: number, b?: number) => number> = routine("math.add");
const primes = routine("math.primes", async function* (limit: number) {
  yield limit;
});
const tally = duplexRoutine("math.tally", async function* (input: AsyncIterable<number>) {
  yield* input;
});
await using dispatcher = await Dispatcher.open({
  discovery: "static:a:1",
  credentials: Credentials.watchFiles({ ca: "a", cert: "b", key: "c" }),
  balancer: roundRobin(),
});
export const sum: number = await dispatcher.call(add, [1, 2], { timeoutMs: 5 });
// @ts-expect-error a text is no number
await dispatcher.call(add, ["1"]);
// @ts-expect-error the result is no text
export const text: string = await dispatcher.call(add, [1]);
for await (const prime of dispatcher.stream(primes, [3])) prime.toFixed();
for await (const item of dispatcher.duplex(tally, [1, 2], [])) item.toFixed();
for await (const event of dispatcher.events()) {
  if (event.type === "handshake.failed") console.log(event.reason);
}
export { HandshakeError, inMemory, WorkerPool };
`;

const TSCONFIG = JSON.stringify({
  compilerOptions: {
    strict: true,
    module: "nodenext",
    target: "esnext",
    lib: ["esnext", "dom"],
    types: ["node"],
    noEmit: true,
    skipLibCheck: false,
  },
  files: ["typed_caller.ts"],
});

interface Failure {
  readonly name: string;
  readonly reason?: string;
  readonly peerReason?: string;
  readonly message: string;
}

/** Packs the package and installs it, as `npm install` of a path does. */
async function installed(folder: string): Promise<void> {
  const packed = `${folder}/selvage.tgz`;
  await run(Deno.execPath(), ["pack", "--allow-dirty", "-o", packed], ROOT);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "private": true, "type": "module" }');
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  // The compiler only checks the types that were packed; calls are made by Node alone.
  const compiler = ["typescript@7.0.2", "@types/node@24.19.4"];
  await run("npm", ["install", ...quiet, packed, ...compiler], folder);
  await Deno.copyFile(new URL("caller.mjs", import.meta.url), `${folder}/caller.mjs`);
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, text(stdout) + text(stderr));
}

/** A new certificate and key, put in place of the ones before. */
async function issueCaller(authority: Authority, folder: string): Promise<void> {
  const { certPem, keyPem } = authority.issue({ name: "caller", spiffe: CALLER });
  for (const [name, text] of [["caller.pem", certPem], ["caller.key", keyPem]] as const) {
    await Deno.writeTextFile(`${folder}/${name}.new`, text);
    await Deno.rename(`${folder}/${name}.new`, `${folder}/${name}`);
  }
}

function workerOf(authority: Authority, allow: string): Promise<WorkerServer> {
  const { certPem: cert, keyPem: key } = authority.issue({ name: "worker", spiffe: WORKER });
  return WorkerServer.start({
    routines: [
      routine("math.add", (a: number, b: number) => a + b),
      routine("math.range", async function* (limit: number) {
        for (let n = 0; n < limit; n += 1) yield n;
      }),
    ],
    credentials: Credentials.fromPem({ ca: authority.certPem, cert, key }),
    allow,
  });
}

/** The caller's program under Node 24. */
class NodeCaller implements AsyncDisposable {
  readonly #process: TestProcess;
  readonly #answers = new Journal<string>();
  #asked = 0;

  constructor(cwd: string, config: object) {
    this.#process = new TestProcess("npx", {
      args: ["-y", "node@24", "caller.mjs", JSON.stringify(config)],
      cwd,
      input: true,
      onLine: (line) => this.#answers.add(line),
    });
    this.#process.ended.finally(() => this.#answers.end());
  }

  /** Has it do something, and reads its answer. */
  async ask(what: string): Promise<{ readonly answer?: unknown; readonly fault?: string }> {
    await this.#process.writeText(`${what}\n`);
    return JSON.parse(await this.#answers.until(() => true, ++this.#asked));
  }

  /** It ends by itself once its input does: nothing of the dispatcher keeps it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.closeInput();
    const { code } = await this.#process.ended;
    assert.equal(code, 0);
  }
}
