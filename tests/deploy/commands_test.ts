import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage } from "../cli/command.ts";
import { Journal } from "../support/journal.ts";
import { walk } from "../support/walk.ts";
import { TestProcess } from "../support/test_process.ts";
import { builtImage } from "./image.ts";
import { sortedPermissions } from "./permissions.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);
/** What the commands run, those of the unit, too: its runbook bundles the same. */
const app = (await builtImage()).path("/app");
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const authority = createAuthority();
await writeFiles("worker", "spiffe://example.org/worker");
await writeFiles("rotating", "spiffe://example.org/worker");
await writeFiles("dispatcher", "spiffe://example.org/client/dispatcher");

const containerfile = await Deno.readTextFile(new URL("container/Containerfile", DEPLOY));
const container = [...jsonLine("ENTRYPOINT"), ...jsonLine("CMD")];
const unit = await Deno.readTextFile(new URL("systemd/selvage-worker.service", DEPLOY));
const service = (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "").split(" ");
const taskDefinition = JSON.parse(
  await Deno.readTextFile(new URL("ecs/task-definition.json", DEPLOY)),
);

const spire = parseAllDocuments(
  await Deno.readTextFile(new URL("kubernetes/overlays/spire/worker.yaml", DEPLOY)),
).map((one) => one.toJS())[0].spec.template.spec.containers[0];

for (const [what, command] of [["container", container], ["systemd unit", service]] as const) {
  Deno.test(`the command of the ${what} runs as written, answers a call and drains`, async () => {
    await using worker = new Started(command, "worker");
    const { address } = JSON.parse(await worker.line("worker.ready"));
    const flags = ["ca.crt", "tls.crt", "tls.key"].map((name) => `${folder}/dispatcher/${name}`);
    const { code, out, err } = await selvage([
      ...["call", "math.add", "[1, 2]", "--endpoint", address],
      ...["--ca", flags[0]!, "--cert", flags[1]!, "--key", flags[2]!],
      ...["--identity", "spiffe://example.org/worker"],
    ]);
    assert.deepEqual([code, out.trim()], [0, "3"], err);
    worker.process.kill("SIGTERM");
    assert.equal((await worker.process.ended).code, 0);
  });
}

for (
  const [what, command] of [
    ["systemd unit", service],
    ["worker of the SPIRE overlay", [...spire.command, ...spire.args] as string[]],
  ] as const
) {
  Deno.test(`the ${what} has the permissions that the command itself prints`, async () => {
    const at = command.indexOf("worker");
    const [file = "", ...flags] = command.slice(at - 1).map((word) => placed(word));
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", file, "permissions", ...flags],
    }).output();
    const printed = new TextDecoder().decode(stdout).trim();
    const granted = command.filter((word) => word.startsWith("--allow-") && word.includes("="));
    assert.deepEqual(
      sortedPermissions(granted.map((word) => placed(word))),
      sortedPermissions(printed.split(/\s+(?=--)/)),
    );
  });
}

Deno.test("the log lines of the runbooks are those that a worker logs", async () => {
  await using worker = new Started(container, "rotating");
  const { address } = JSON.parse(await worker.line("worker.ready"));
  await writeFiles("rotating", "spiffe://example.org/worker");
  await worker.logged('"type":"credentials.rotated"');
  const own = ["ca.crt", "tls.crt", "tls.key"].map((name) => `${folder}/worker/${name}`);
  const { code } = await selvage([
    ...["call", "math.add", "[1, 2]", "--endpoint", address],
    ...["--ca", own[0]!, "--cert", own[1]!, "--key", own[2]!],
    ...["--identity", "spiffe://example.org/worker"],
  ]);
  assert.equal(code, 4);
  worker.process.kill("SIGTERM");
  assert.equal((await worker.process.ended).code, 0);
  let lines = 0;
  for await (const path of walk(DEPLOY)) {
    if (!path.endsWith("README.md")) continue;
    const text = await Deno.readTextFile(new URL(path, DEPLOY));
    for (const [, block = ""] of text.matchAll(/```log\n(.*?)\n```/gs)) {
      for (const line of block.split("\n")) {
        const pattern = new RegExp(`^${line.split("…").map(RegExp.escape).join(".*")}$`);
        assert.ok(worker.errors.some((logged) => pattern.test(logged)), `${path}: ${line}`);
        lines += 1;
      }
    }
  }
  assert.ok(lines > 12);
});

Deno.test("the dispatcher of the Deployment runs as written, and is ready once a worker has proven itself", async () => {
  await using worker = new Started(container, "worker");
  const { address } = JSON.parse(await worker.line("worker.ready"));
  const text = await Deno.readTextFile(new URL("kubernetes/base/dispatcher.yaml", DEPLOY));
  const deployment = parseAllDocuments(text).map((one) => one.toJS())
    .find(({ kind }) => kind === "Deployment");
  const [{ command, args, env }] = deployment.spec.template.spec.containers;
  const set: Record<string, string> = Object.fromEntries(
    env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  await using caller = new Started([...command, ...args], "dispatcher", {
    ...set,
    SELVAGE_DISCOVER: `static:${address}`,
    SELVAGE_HTTP_HOST: "127.0.0.1",
    SELVAGE_HTTP_PORT: "0",
  });
  const { port } = JSON.parse(await caller.line("caller.listening"));
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  assert.deepEqual(await (await get("/add")).json(), { sum: 3 });
  for (const path of ["/livez", "/readyz"]) assert.equal(await (await get(path)).text(), "ok\n");
  caller.process.kill("SIGTERM");
  assert.equal((await caller.process.ended).code, 0);
});

Deno.test("a container is not root, and is given the time that a drain takes", () => {
  assert.match(containerfile, /^USER 65532:65532$/m);
  assert.match(containerfile, /^STOPSIGNAL SIGTERM$/m);
  const worker = taskDefinition.containerDefinitions.find(({ name }: { name: string }) =>
    name === "worker"
  );
  assert.equal(worker.readonlyRootFilesystem, true);
  assert.equal(worker.user, "65532:65532");
  const [grace] = worker.environment;
  assert.equal(grace.name, "SELVAGE_DRAIN_GRACE");
  assert.ok(worker.stopTimeout > Number.parseInt(grace.value) && worker.stopTimeout <= 120);
  const [, stop] = /^TimeoutStopSec=(\d+)s$/m.exec(unit) ?? [];
  assert.ok(Number(stop) > Number.parseInt(service[service.indexOf("--drain-grace") + 1]!));
});

Deno.test("the task definition has a size that Fargate knows, and mounts what it declares", () => {
  const { cpu, memory, volumes, containerDefinitions, networkMode } = taskDefinition;
  // 0.5 vCPU goes with 1 to 4 GB.
  assert.deepEqual([cpu, networkMode], ["512", "awsvpc"]);
  assert.ok(["1024", "2048", "3072", "4096"].includes(memory));
  const declared = volumes.map(({ name }: { name: string }) => name);
  for (const { mountPoints } of containerDefinitions) {
    for (const { sourceVolume } of mountPoints) assert.ok(declared.includes(sourceVolume));
  }
});

async function writeFiles(name: string, spiffe: string): Promise<void> {
  const { certPem, keyPem } = authority.issue({ name, spiffe });
  const texts = { "tls.crt": certPem, "tls.key": keyPem, "ca.crt": authority.certPem };
  await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  for (const [file, text] of Object.entries(texts)) {
    await Deno.writeTextFile(`${folder}/${name}/${file}`, text);
  }
}

/** A command of a deployment, with its paths and ports on this machine. */
class Started implements AsyncDisposable {
  readonly process: TestProcess;
  readonly #lines = new Journal<string>();
  readonly #errors = new Journal<string>();

  constructor(command: readonly string[], who: string, env: Record<string, string> = {}) {
    const [program = "", ...args] = command.map((word) => placed(word, who));
    this.process = new TestProcess(program, {
      args,
      env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, placed(text, who)])),
      onLine: (line) => this.#lines.add(line),
      onErrorLine: (line) => this.#errors.add(line),
    });
  }

  /** The line that reports this event. */
  async line(event: string): Promise<string> {
    const ended = this.process.ended.then(() => {
      throw new Error(`it ended before ${event}:\n${this.errors.join("\n")}`);
    });
    const found = this.#lines.until((line) => line.includes(`"event":"${event}"`));
    return await Promise.race([found, ended]);
  }

  /** What it has logged. */
  get errors(): readonly string[] {
    return this.#errors.entries;
  }

  /** Waits for a line of its log. */
  async logged(text: string): Promise<void> {
    await this.#errors.until((line) => line.includes(text));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

/** A word of a command, with the image's or host's folders and ports replaced by those of the test. */
function placed(word: string, who = "worker"): string {
  return word.replace(/^(?:\/usr\/local\/bin\/)?deno$/, Deno.execPath())
    .replaceAll(/\/run\/selvage\/(?:tls|trust)|%d/g, `${folder}/${who}`)
    .replaceAll(/(?<=^|[=,])\/(?:opt\/selvage\/)?app(?=[/,]|$)/g, app)
    .replaceAll(/(?:0\.0\.0\.0|127\.0\.0\.1):(?:8443|9090)/g, "127.0.0.1:0");
}

function jsonLine(instruction: string): readonly string[] {
  const [, text] = new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(containerfile) ?? [];
  return JSON.parse(text ?? "[]");
}
