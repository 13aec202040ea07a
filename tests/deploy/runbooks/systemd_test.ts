/**
 * The installation of the systemd runbook, run as it stands: in a mount namespace whose `/etc`, `/opt` and
 * `/usr/local/bin` are of this test, by the real `systemctl`, without a service manager. What the unit then starts is
 * run by `commands_test.ts`.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findTool, runTool, testWithTool } from "../../foreign/tool.ts";
import { readRunbook } from "./runbook.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Gives the namespace folders of its own, `$1` being an empty one; nothing outside of it changes. */
const FOLDERS = `set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mount -t tmpfs tmpfs /etc/systemd/system
mount -t tmpfs tmpfs /usr/local/bin
# Before /opt, where it may be.
touch /usr/local/bin/deno
mount --bind "$2" /usr/local/bin/deno
mount -t tmpfs tmpfs /opt
export SYSTEMD_OFFLINE=1 PATH="/usr/local/bin:$PATH"
`;

const SYSTEMD = { name: "systemctl that may mount as root", path: await systemctlPath() };

testWithTool(
  SYSTEMD,
  "the installation of the systemd runbook runs as written, and enables a unit without a fault",
  async () => {
    const { blocks: [install] } = await readRunbook("systemd/README.md", []);
    const { code, stdout, stderr } = await inNamespace(`${install!.join("\n")}
printf 'enabled: %s\\n' "$(systemctl is-enabled selvage-worker)"
stat -c 'mode: %a' /etc/selvage/pki
systemd-analyze verify /etc/systemd/system/selvage-worker.service
# Without this file the service cannot read Deno's cache (findings/deno_cache_read_only.sh).
test -r /opt/selvage/deno-dir/dep_analysis_cache_v2-shm && echo 'cache: readable'
# The unit finds every file that it names.
DENO_DIR=/opt/selvage/deno-dir deno run -A --no-config --cached-only /opt/selvage/app/selvage.js --version
test -r /opt/selvage/app/routines.js
# What it verifies, it could also reject.
sed -i 's/^KillSignal=/KilSignal=/' /etc/systemd/system/selvage-worker.service
systemd-analyze verify /etc/systemd/system/selvage-worker.service
`);
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.trim().split("\n"), [
      "enabled: enabled",
      "mode: 700",
      "cache: readable",
      "0.1.0",
    ]);
    const faults = stderr.split("\n").filter((line) => line.includes("selvage-worker.service:"));
    assert.equal(faults.length, 1, stderr);
    assert.match(faults[0]!, /KilSignal/);
  },
);

async function inNamespace(script: string): Promise<Awaited<ReturnType<typeof runTool>>> {
  const folder = await Deno.makeTempDir();
  try {
    const words = ["--mount", "sh", "-c", `${FOLDERS}cd '${ROOT}'\n${script}`, "sh"];
    return await runTool("unshare", [...words, folder, Deno.execPath()]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Where `systemctl` is, if this process may give a namespace folders of its own. */
async function systemctlPath(): Promise<string | undefined> {
  const tried = await inNamespace("command -v systemctl").catch(() => undefined);
  return tried?.code === 0 && findTool("systemd-analyze") ? tried.stdout.trim() : undefined;
}
