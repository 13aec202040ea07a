import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../../../src/credentials/mod.ts";
import { selvage } from "../../cli/command.ts";
import { testWithTool } from "../../foreign/tool.ts";
import { Journal } from "../../support/journal.ts";
import { TestProcess } from "../../support/test_process.ts";
import { BUILDAH, Builder } from "./buildah.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const USER = 65532;
const IMAGE = "selvage-worker";

testWithTool(
  BUILDAH,
  "a builder builds the Containerfile, and the image serves and drains as its user",
  async (path) => {
    await using builder = await Builder.open();
    await using clone = await freshClone();
    await builder.base(`docker.io/denoland/deno:${Deno.version.deno}`);
    await builder.build(`${clone.path}/deploy/container/Containerfile`, clone.path, IMAGE);
    const { User, StopSignal, Entrypoint, Cmd } = await builder.config(IMAGE);
    assert.deepEqual([User, StopSignal], [`${USER}:${USER}`, "SIGTERM"]);

    await using mounted = await mount();
    const container = await builder.run("from", "--pull-never", IMAGE);
    // Without this file its user cannot read Deno's cache (findings/deno_cache_read_only.sh).
    const readable = ["sh", "-c", "test -r /deno-dir/dep_analysis_cache_v2-shm"];
    await builder.run("run", "--isolation", "chroot", container, "--", ...readable);
    const mounts = ["tls", "trust"].flatMap((folder) => [
      "--volume",
      `${mounted.path}/${folder}:/run/selvage/${folder}:ro`,
    ]);
    // The ports are the one thing that is not as in the image: the worker chooses them.
    const command = [...Entrypoint, ...Cmd].map((word) =>
      word.replaceAll(/0\.0\.0\.0:(?:8443|9090)/g, "127.0.0.1:0")
    );
    const lines = new Journal<string>();
    const errors: string[] = [];
    // buildah hands no signal on: the worker is sent it by its process id, which its shell prints.
    const shell = ["sh", "-c", 'echo $$; exec "$@"', "sh"];
    await using run = new TestProcess(path, {
      args: builder.args(
        "run",
        "--isolation",
        "chroot",
        ...mounts,
        container,
        "--",
        ...shell,
        ...command,
      ),
      onLine: (line) => lines.add(line),
      onErrorLine: (line) => errors.push(line),
    });
    void run.ended.then(() => lines.end());
    const ready = await lines.until((line) => line.includes("worker.ready")).catch(() => {
      throw new Error(`it ended before it was ready:\n${errors.join("\n")}`);
    });
    const pid = Number(lines.entries[0]);
    assert.equal((await Deno.stat(`/proc/${pid}`)).uid, USER);
    const { code, out, err } = await selvage([
      ...["call", "math.add", "[1, 2]", "--endpoint", JSON.parse(ready).address],
      ...["--ca", `${mounted.path}/client/ca.crt`, "--cert", `${mounted.path}/client/tls.crt`],
      ...["--key", `${mounted.path}/client/tls.key`, "--identity", "spiffe://example.org/worker"],
    ]);
    assert.deepEqual([code, out.trim()], [0, "3"], err);
    Deno.kill(pid, "SIGTERM");
    assert.equal((await run.ended).code, 0, errors.join("\n"));
  },
);

/** What git tracks, as a clone has it. */
async function freshClone(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await temporaryFolder();
  const { success, stderr } = await new Deno.Command("git", {
    args: ["clone", "--quiet", "--depth", "1", `file://${ROOT}`, folder.path],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return folder;
}

/** The credentials that are mounted into the container, readable by its user alone, and those of a client. */
async function mount(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await temporaryFolder();
  await Deno.chmod(folder.path, 0o755);
  const authority = createAuthority();
  const worker = authority.issue({ name: "worker", spiffe: "spiffe://example.org/worker" });
  const client = authority.issue({ name: "client", spiffe: "spiffe://example.org/client/a" });
  const ca = { "ca.crt": authority.certPem };
  const folders = {
    tls: { "tls.crt": worker.certPem, "tls.key": worker.keyPem },
    trust: ca,
    client: { ...ca, "tls.crt": client.certPem, "tls.key": client.keyPem },
  };
  for (const [name, files] of Object.entries(folders)) {
    await Deno.mkdir(`${folder.path}/${name}`);
    for (const [file, text] of Object.entries(files)) {
      const path = `${folder.path}/${name}/${file}`;
      await Deno.writeTextFile(path, text, { mode: 0o600 });
      if (name !== "client") await Deno.chown(path, USER, USER);
    }
  }
  return folder;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
