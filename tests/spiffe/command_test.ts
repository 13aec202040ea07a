import assert from "node:assert/strict";
import { join } from "node:path";
import { selvage, startWorker } from "../cli/command.ts";
import { inProcess } from "../cli/in_process.ts";
import { FakeAgent, makeDomain, svid } from "./fake_agent.ts";

const MODULE = new URL("../cli/routines.ts", import.meta.url).pathname;
const ID = "spiffe://example.org/worker";

Deno.test("selvage takes its credentials from an agent with --spiffe-socket and the permissions it names", async () => {
  const folder = await Deno.makeTempDir();
  const socket = join(folder, "agent.sock");
  await using _agent = await FakeAgent.start(socket, {
    svids: [svid(makeDomain("example.org"), "worker")],
  });
  await using worker = await startWorker([MODULE, "--spiffe-socket", socket, "--allow", ID]);
  assert.equal(worker.ready["security"], "mutual-tls");
  const args = ["cli.add", "[1,2]", "--endpoint", worker.address, "--identity", ID];
  const call = ["call", ...args, "--spiffe-socket", `unix://${socket}`];
  const { out: permissions } = await inProcess(["permissions", ...call]);
  const called = await selvage(call, { permissions: permissions.trim().split(" ") });
  assert.equal(called.out, "3\n", called.err);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("selvage refuses --spiffe-socket beside files, and what is no unix socket", async () => {
  const wrong: [args: string[], sentence: RegExp][] = [
    [["--spiffe-socket", "/a", "--ca", "ca.pem"], /--spiffe-socket stands alone/],
    [["--spiffe-socket", "/a", "--one-way"], /--spiffe-socket stands alone/],
    [["--spiffe-socket", "tcp://127.0.0.1:1"], /not a unix socket/],
    [["--spiffe-socket", ""], /not a unix socket/],
  ];
  for (const [args, sentence] of wrong) {
    const { code, err } = await inProcess(["call", "a.b", "--endpoint", "127.0.0.1:1", ...args]);
    assert.equal(code, 2, err);
    assert.match(err, sentence);
  }
});
