/**
 * A worker that trusts many authorities can be called by every client, and shows its own
 * chain alone. Go as a caller stands in `go/many_authorities_test.ts`.
 */
import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { add } from "../e2e/routines.ts";
import { SERVER_ID } from "./ground.ts";
import { manyAuthorities } from "./many_authorities.ts";
import { NODE, nodeProgram } from "./node_program.ts";
import { PeerFiles } from "./peer_files.ts";
import { findTool, runTool, testWithTool } from "./tool.ts";

const curl = { name: "curl", path: findTool("curl") };
const openssl = { name: "openssl", path: findTool("openssl") };

for (const { name, start, client } of manyAuthorities) {
  Deno.test(`a dispatcher calls a worker that trusts ${name}`, async () => {
    await using served = await start();
    const { ca, cert, key } = client(served);
    await using dispatcher = await Dispatcher.open({
      discovery: `static:127.0.0.1:${served.port}`,
      credentials: Credentials.fromPem({ ca: { "example.org": ca }, cert, key }),
      identity: SERVER_ID,
    });
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
  });

  testWithTool(NODE, `Node calls a worker that trusts ${name}`, async () => {
    await using served = await start();
    await using caller = await nodeProgram("connect_client.mjs", {
      ...client(served),
      protocol: "connect",
    });
    const question = { text: "hello", bytes: 1, say: "x" };
    const { text } = await caller.ask<{ text: string }>("echo", question);
    assert.equal(text, "hello");
  });

  testWithTool(curl, `curl calls a worker that trusts ${name}`, async (path) => {
    await using served = await start();
    await using files = await PeerFiles.of(client(served));
    const { code, stdout, stderr } = await runTool(path, [
      ...["--http2", "--silent", "--show-error", "--max-time", "30"],
      ...["--cacert", files.path("ca.pem"), "--cert", files.path("cert.pem")],
      ...["--key", files.path("key.pem"), "--header", "content-type: application/json"],
      ...["--data", '{"routine":"math.add","arguments":{"json":"[1,2]"}}'],
      `https://127.0.0.1:${served.port}/selvage.v1.WorkerService/Call`,
    ]);
    assert.deepEqual([code, JSON.parse(stdout), stderr], [0, { result: { json: "3" } }, ""]);
  });

  testWithTool(
    openssl,
    `a worker that trusts ${name} shows its own chain alone`,
    async (path) => {
      await using served = await start();
      await using files = await PeerFiles.of(client(served));
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
}
