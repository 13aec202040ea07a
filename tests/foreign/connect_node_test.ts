import assert from "node:assert/strict";
import { testForeignClient } from "./client_scenarios.ts";
import { startEchoWorker } from "./ground.ts";
import { nodeProgram } from "./node_program.ts";
import { testForeignServer } from "./server_scenarios.ts";

for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
  const name = `@connectrpc/connect-node over ${protocol}`;
  testForeignClient(name, (config) => nodeProgram("connect_client.mjs", { ...config, protocol }));

  testForeignServer({
    name,
    protocol,
    choosesLastId: true,
    start: (config) => nodeProgram("connect_server.mjs", config),
  });

  Deno.test(`${name} calls a worker with compressed JSON`, async () => {
    await using served = await startEchoWorker();
    const form = { protocol, format: "json", compression: "gzip" };
    await using client = await nodeProgram("connect_client.mjs", { ...served.config, ...form });
    const about = { text: "again and ".repeat(1_000), bytes: 100_000, say: "so" };
    assert.deepEqual(await client.ask("echo", about), {
      text: about.text,
      same: true,
      said: "so",
      saidLast: "so",
    });
    assert.deepEqual(await client.ask("repeat", { ...about, count: 10 }), {
      items: 10,
      said: "so",
      saidLast: "so",
    });
  });
}
