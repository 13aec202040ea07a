/**
 * The commands of the ECS runbook, run as they stand by the real command line of AWS, which checks each against its
 * own description of the service, against an endpoint of this test that takes every request.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findTool, testWithTool } from "../../foreign/tool.ts";
import { readRunbook } from "./runbook.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Where `scripts/install_clients.ts` puts what it installs from PyPI. */
const INSTALLED = `${ROOT}.selvage/clients/python/bin`;
const AWS = { name: "command line of AWS", path: await awsPath() };

// deno-lint-ignore no-explicit-any -- what a request holds is for its service to say
type Body = Record<string, any>;

testWithTool(AWS, "every command of the ECS runbook is one that AWS knows", async (path) => {
  const { blocks, inline } = await readRunbook("ecs/README.md", ["aws"]);
  const asked: (readonly [operation: string, body: Body])[] = [];
  await using endpoint = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const operation = request.headers.get("x-amz-target")?.split(".")[1] ?? request.url;
      asked.push([operation, await request.json()]);
      return new Response("{}", { headers: { "content-type": "application/x-amz-json-1.1" } });
    },
  );
  const commands = [...blocks.flat(), ...inline.map((one) => one.replace(":N", ":7"))];
  for (const command of commands) {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: ROOT,
      env: {
        PATH: `${path.slice(0, path.lastIndexOf("/"))}:${Deno.env.get("PATH")}`,
        AWS_ENDPOINT_URL: `http://127.0.0.1:${endpoint.addr.port}`,
        AWS_CONFIG_FILE: "/dev/null",
        AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_DEFAULT_REGION: "eu-central-1",
      },
    }).output();
    assert.equal(code, 0, `${command}\n${new TextDecoder().decode(stderr).slice(-2000)}`);
  }
  assert.deepEqual(asked.map(([operation]) => operation), [
    "CreateService",
    "RegisterTaskDefinition",
    "CreateService",
    "FilterLogEvents",
    "UpdateService",
  ]);
  const bodies = asked.map(([, body]) => body);
  const [name, task, service, logs, back] = bodies as [Body, Body, Body, Body, Body];
  assert.equal(name["Name"], "worker");
  assert.equal(service["taskDefinition"], task["family"]);
  assert.deepEqual([back["cluster"], back["service"]], [
    service["cluster"],
    service["serviceName"],
  ]);
  const [{ logConfiguration }] = task["containerDefinitions"];
  assert.equal(logs["logGroupName"], logConfiguration.options["awslogs-group"]);
});

async function awsPath(): Promise<string | undefined> {
  const own = `${INSTALLED}/aws`;
  return await Deno.stat(own).then(() => own, () => findTool("aws"));
}
