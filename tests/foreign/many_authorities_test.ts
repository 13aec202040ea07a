/**
 * A worker that trusts many authorities can be called by every client, and shows its own
 * chain alone.
 */
import assert from "node:assert/strict";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { add } from "../e2e/routines.ts";
import { type EchoWorker, SERVER_ID, startEchoWorker } from "./ground.ts";
import { NODE, nodeProgram } from "./node_program.ts";
import { PeerFiles } from "./peer_files.ts";
import { findTool, runTool, testWithTool } from "./tool.ts";

const ROOTS = 150;
const roots = Array.from({ length: ROOTS }, () => createAuthority().certPem);

/** A worker that trusts all of {@linkcode roots} beside its own authority. */
const startTrusting = (): Promise<EchoWorker> => startEchoWorker({ alsoTrusts: roots });

Deno.test("a dispatcher calls a worker that trusts 150 authorities", async () => {
  await using served = await startTrusting();
  const { ca, cert, key } = served.config;
  await using dispatcher = await Dispatcher.open({
    discovery: `static:127.0.0.1:${served.port}`,
    credentials: Credentials.fromPem({ ca, cert, key }),
    identity: SERVER_ID,
  });
  assert.equal(await dispatcher.call(add, [1, 2]), 3);
});

testWithTool(NODE, "Node calls a worker that trusts 150 authorities", async () => {
  await using served = await startTrusting();
  await using client = await nodeProgram("connect_client.mjs", {
    ...served.config,
    protocol: "connect",
  });
  const { text } = await client.ask<{ text: string }>("echo", {
    text: "hello",
    bytes: 1,
    say: "x",
  });
  assert.equal(text, "hello");
});

const curl = { name: "curl", path: findTool("curl") };

testWithTool(curl, "curl calls a worker that trusts 150 authorities", async (path) => {
  await using served = await startTrusting();
  await using files = await PeerFiles.of(served.config);
  const { code, stdout, stderr } = await runTool(path, [
    ...["--http2", "--silent", "--show-error", "--max-time", "30"],
    ...["--cacert", files.path("ca.pem"), "--cert", files.path("cert.pem")],
    ...["--key", files.path("key.pem"), "--header", "content-type: application/json"],
    ...["--data", '{"routine":"math.add","arguments":{"json":"[1,2]"}}'],
    `https://127.0.0.1:${served.port}/selvage.v1.WorkerService/Call`,
  ]);
  assert.deepEqual([code, JSON.parse(stdout), stderr], [0, { result: { json: "3" } }, ""]);
});

const openssl = { name: "openssl", path: findTool("openssl") };

testWithTool(
  openssl,
  "a worker that trusts 150 authorities shows its own chain alone",
  async (path) => {
    await using served = await startTrusting();
    await using files = await PeerFiles.of(served.config);
    const { stdout } = await runTool(path, [
      ...["s_client", "-connect", `127.0.0.1:${served.port}`, "-showcerts", "-alpn", "h2"],
      ...["-CAfile", files.path("ca.pem"), "-cert", files.path("cert.pem")],
      ...["-key", files.path("key.pem")],
    ]);
    assert.equal(stdout.match(/BEGIN CERTIFICATE/g)?.length, 1);
    assert.match(stdout, /No client certificate CA names sent/);
    assert.match(stdout, /Verify return code: 0 \(ok\)/);
  },
);
