/**
 * Runs h2spec, strictly, against a worker over plaintext and over TLS. Prints its own counts; exits 1
 * where a test failed or was skipped.
 *
 * `deno run -A tests/conformance/h2spec/run.ts`; says so and exits 0 where there is no Go to build it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { findGo, installGoTool } from "../go_tool.ts";
import { lines } from "../../support/lines.ts";

const TOOL = "github.com/summerwind/h2spec/cmd/h2spec";
const VERSION = "v2.2.1+incompatible";
/** How long a test may take, in seconds: the suite's own 2 are few on a busy machine. */
const TIMEOUT_S = 20;
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

const go = await findGo();
if (go === undefined) {
  console.log("h2spec: skipped, there is no Go here to build the suite with");
  Deno.exit(0);
}
const suite = await installGoTool(go, TOOL, VERSION);
let failed = false;
for (const over of ["plaintext", "tls"]) {
  const { ok, counts } = await runSuite(over);
  failed ||= !ok;
  console.log(`h2spec ${VERSION} --strict, a worker over ${over}: ${counts}`);
}
Deno.exit(failed ? 1 : 0);

async function runSuite(over: string): Promise<{ ok: boolean; counts: string }> {
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", WORKER, over],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const { port, path } = JSON.parse(await firstLine(worker.stdout));
    const tls = over === "tls" ? ["--tls", "--insecure"] : [];
    const { success, stdout } = await new Deno.Command(suite, {
      args: [
        "--strict",
        ...tls,
        "--timeout",
        String(TIMEOUT_S),
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "--path",
        path,
      ],
      stdout: "piped",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const counts = /^\d+ tests, .*$/m.exec(text)?.[0] ?? "did not finish";
    const ok = success && / 0 skipped, 0 failed/.test(counts);
    if (!ok) console.error(text.slice(Math.max(text.indexOf("Failures:"), 0)).slice(0, 20_000));
    return { ok, counts };
  } finally {
    worker.kill("SIGKILL");
    await worker.status;
  }
}

async function firstLine(stdout: ReadableStream<Uint8Array>): Promise<string> {
  for await (const line of lines(stdout)) return line;
  throw new Error("the worker ended before it was ready");
}
