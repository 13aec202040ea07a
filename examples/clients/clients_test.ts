import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startEchoWorker } from "../../tests/foreign/ground.ts";
import { PeerFiles } from "../../tests/foreign/peer_files.ts";
import { pythonWith } from "../../tests/foreign/installed_client.ts";
import { findTool, testWithTool } from "../../tests/foreign/tool.ts";

const CACHE = fileURLToPath(new URL("../../.selvage/clients/", import.meta.url));
const at = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

testWithTool({ name: "curl", path: findTool("curl") }, "call.sh calls a routine", async () => {
  await assertCalls(["sh", at("call.sh")], '{"result":{"json":"3"}}');
});

testWithTool({ name: "Go", path: findTool("go") }, "the Go client calls a routine", async (go) => {
  await Deno.mkdir(CACHE, { recursive: true });
  await run([go, "build", "-C", at("go"), "-trimpath", "-o", `${CACHE}/call`, "."], CACHE);
  await assertCalls([`${CACHE}/call`], "3");
});

testWithTool(
  pythonWith("httpx", "h2"),
  "call.py calls a routine",
  async (python) => await assertCalls([python, at("call.py")], "3"),
);

/** Calls `math.add` on a worker, and a routine that is not there. */
async function assertCalls(command: readonly string[], printed: string): Promise<void> {
  await using served = await startEchoWorker();
  await using files = await PeerFiles.of(served.config);
  const folder = files.path("");
  const address = `127.0.0.1:${served.port}`;
  assert.equal(await run([...command, address, "math.add", "[1, 2]"], folder), printed);
  await assert.rejects(run([...command, address, "math.ad", "[1, 2]"], folder), /unimplemented/);
}

/** What a program prints; throws all of it where the program fails. */
async function run(command: readonly string[], cwd: string): Promise<string> {
  const [program = "", ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (!success) throw new Error(`${out}\n${err}`);
  return out!;
}
