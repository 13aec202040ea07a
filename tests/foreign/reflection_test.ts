import assert from "node:assert/strict";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { reflectionV1 } from "../../src/gen/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";
import * as routines from "../e2e/routines.ts";
import { echoService } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const RULES = {
  rules: [{
    name: "echo",
    effect: "allow",
    who: ["spiffe://example.org/client/a"],
    what: [`${EchoService.typeName}/Echo`],
  }],
} as const;

Deno.test("buf browses a worker by reflection and calls what it finds, within the policy", async (t) => {
  await using stage = await Stage.open();
  const { buf, address } = stage;

  for (const protocol of ["grpc-v1", "grpc-v1alpha"]) {
    await t.step(`over ${protocol} it lists services`, async () => {
      const { out, err } = await buf("--reflect-protocol", protocol, "--list-services", address);
      assert.deepEqual(out.trim().split("\n"), [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        EchoService.typeName,
        "selvage.v1.WorkerService",
      ], err);
    });
  }
  await t.step("a method that the caller may not call is not there", async () => {
    const { out } = await buf("--list-methods", address);
    const methods = out.trim().split("\n").filter((name) => name.startsWith(EchoService.typeName));
    assert.deepEqual(methods, [`${EchoService.typeName}/Echo`]);
  });
  await t.step("and what is there can be called with no schema but that", async () => {
    const url = `${address}/${EchoService.typeName}/Echo`;
    const { out, err } = await buf("--protocol", "grpc", "-d", '{"text":"hello"}', url);
    assert.equal(JSON.parse(out || "{}").text, "hello", err);
  });
});

Deno.test("reflection shows another caller other services, and is not there where it is off", async () => {
  const trust = new Trust();
  const options: Partial<WorkerServerOptions> = {
    services: (router) => router.service(EchoService, echoService()),
    policy: RULES,
  };
  await using worker = await startWorker(trust, options);
  const ask = async (address: string, client: string, symbol: string) => {
    await using dispatcher = await openDispatcher(trust, address, {
      credentials: trust.client(client),
    });
    const { serverReflectionInfo } = createClient(
      reflectionV1.ServerReflection,
      dispatcher.transportFor({ protocol: "grpc" }),
    );
    const questions = [
      { messageRequest: { case: "listServices", value: "" } },
      { messageRequest: { case: "fileContainingSymbol", value: symbol } },
      { messageRequest: { case: "fileByFilename", value: "no/such.proto" } },
      { messageRequest: { case: undefined } },
    ] as const;
    const answers = await Array.fromAsync(serverReflectionInfo(streamOf(questions)));
    return answers.map(({ messageResponse }) => messageResponse);
  };
  const [listed, file, absent, unknown] = await ask(
    worker.address,
    "spiffe://example.org/client/a",
    `${EchoService.typeName}.Echo`,
  );
  assert.ok(servicesIn(listed).includes(EchoService.typeName));
  assert.equal(file?.case, "fileDescriptorResponse");
  assert.equal(absent?.case === "errorResponse" && absent.value.errorCode, 5);
  assert.equal(unknown?.case === "errorResponse" && unknown.value.errorCode, 12);

  const [others, hidden] = await ask(
    worker.address,
    "spiffe://example.org/client/b",
    EchoService.typeName,
  );
  assert.ok(!servicesIn(others).includes(EchoService.typeName));
  assert.equal(hidden?.case, "errorResponse");

  await using without = await startWorker(trust, { ...options, reflection: false });
  await assert.rejects(ask(without.address, "spiffe://example.org/client/a", "x"), /unimplemented/);
  await using plain = await WorkerServer.start({ routines });
  assert.equal(plain.security, "plaintext");
  await using dispatcher = await Dispatcher.open({ discovery: `static:${plain.address}` });
  const { serverReflectionInfo } = createClient(
    reflectionV1.ServerReflection,
    dispatcher.transportFor({ protocol: "grpc" }),
  );
  await assert.rejects(Array.fromAsync(serverReflectionInfo(streamOf([{}]))), /unimplemented/);
});

async function* streamOf<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

function servicesIn(
  answer: reflectionV1.ServerReflectionResponse["messageResponse"] | undefined,
): readonly string[] {
  assert.ok(answer?.case === "listServicesResponse");
  return answer.value.service.map(({ name }) => name);
}

/** A worker whose certificate Go programs can verify, and buf with a certificate of the caller `a`. */
class Stage implements AsyncDisposable {
  readonly #worker: WorkerServer;
  readonly #folder: string;

  private constructor(worker: WorkerServer, folder: string) {
    this.#worker = worker;
    this.#folder = folder;
  }

  static async open(): Promise<Stage> {
    const authority = createAuthority();
    const folder = await Deno.makeTempDir();
    const own = authority.issue({ name: "worker", dns: ["localhost"] });
    const caller = authority.issue({ name: "a", spiffe: "spiffe://example.org/client/a" });
    await Deno.writeTextFile(join(folder, "ca.pem"), authority.certPem);
    await Deno.writeTextFile(join(folder, "a.pem"), caller.certPem);
    await Deno.writeTextFile(join(folder, "a.key"), caller.keyPem);
    const worker = await WorkerServer.start({
      routines,
      services: (router) => router.service(EchoService, echoService()),
      credentials: Credentials.fromPem({
        ca: authority.certPem,
        cert: own.certPem,
        key: own.keyPem,
      }),
      allow: "*",
      policy: RULES,
    });
    return new Stage(worker, folder);
  }

  get address(): string {
    return `https://localhost:${this.#worker.address.split(":").at(-1)}`;
  }

  /** `buf curl` with some arguments. */
  readonly buf = async (...args: string[]): Promise<{ out: string; err: string }> => {
    const file = (name: string) => join(this.#folder, name);
    const credentials = [
      "--cacert",
      file("ca.pem"),
      "--cert",
      file("a.pem"),
      "--key",
      file("a.key"),
    ];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", BUF, "curl", ...credentials, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { out: decoder.decode(stdout), err: decoder.decode(stderr) };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const BUF = "npm:@bufbuild/buf@1.74.0/buf";
