import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runTool, testWithTool, type Tool } from "../foreign/tool.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** Room for a folder and one page of a file, which is taken. */
const FULL = 'mount -t tmpfs -o size=4k tmpfs "$1" && head -c 4096 /dev/zero > "$1/taken"';

const UNSHARE: Tool = {
  name: "unshare that may mount as root",
  path: (await onFullDisk("true")).code === 0 ? "unshare" : undefined,
};

testWithTool(
  UNSHARE,
  "selvage certs init leaves no file behind on a full disk, and works once there is room",
  async () => {
    const init = `'${Deno.execPath()}' run -A '${MAIN}' certs init "$1/pki"`;
    const { code, stdout, stderr } = await onFullDisk(`${init} >&2
echo "exit $?"
ls -A "$1/pki"
rm "$1/taken"
mount -o remount,size=64k "$1"
${init} > /dev/null && ls -A "$1/pki"`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /pki\/ca\.key cannot be used: No space left on device/);
    assert.deepEqual(stdout.trim().split("\n"), ["exit 2", "ca.key", "ca.pem"]);
  },
);

async function onFullDisk(script: string): Promise<Awaited<ReturnType<typeof runTool>>> {
  const folder = await Deno.makeTempDir();
  try {
    return await runTool("unshare", ["--mount", "sh", "-c", `${FULL}\n${script}`, "sh", folder]);
  } catch (error) {
    return { code: 1, stdout: "", stderr: String(error) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
