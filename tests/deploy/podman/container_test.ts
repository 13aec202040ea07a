/**
 * The commands of the container's runbook, run as they stand by the real podman, in mount, cgroup, process and
 * network namespaces of their own, from a stand-in for the base image of Docker Hub. Needs root that may mount, podman
 * and crun: `deno task test:podman`.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../../../src/credentials/mod.ts";
import { findTool, testWithTool } from "../../foreign/tool.ts";
import { writeBase } from "../builder/base.ts";
import { readRunbook } from "../runbooks/runbook.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * A network of its own has the fixed ports of the image and nothing else; a tree of cgroups of its own is of the
 * version that crun takes. What podman started ends with the namespace of processes.
 */
const NAMESPACES = [
  "--mount",
  "--cgroup",
  "--net",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
];
const PREPARED = `set -eu
mount --make-rprivate /
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
`;
const PODMAN = { name: "podman", path: findTool("podman") };

testWithTool(
  PODMAN,
  "the commands of the container's runbook build an image, run it, call it and stop it",
  async () => {
    const { blocks, inline } = await readRunbook("container/README.md", ["podman"]);
    const commands = blocks.flat().filter((line) => line.startsWith("podman "));
    const [build, permissions, run, ...others] = commands;
    const [unshared, stop, ...more] = inline;
    assert.deepEqual([...others, ...more], []);
    const own = blocks.flat().find((line) => line.startsWith("chown "));
    assert.equal(unshared, `podman unshare ${own}`);
    // The network here is the container's, too, so that each port can be reached whether it is published or not.
    for (const port of [8443, 9090]) assert.match(run!, RegExp(` -p \\S*${port}:${port} `));
    const folder = await Deno.makeTempDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    await writeSettings(folder);
    await shell(own!, { cwd: folder, env: {} });
    const env = {
      CONTAINERS_CONF: `${folder}/containers.conf`,
      CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
      BUILDAH_ISOLATION: "chroot",
    };
    const base = await writeBase(`${folder}/base`);
    const image = `docker.io/denoland/deno:${Deno.version.deno}`;
    await shell(`podman build -q -f '${base.file}' -t ${image} '${base.root}'`, { cwd: ROOT, env });
    await shell(build!, { cwd: ROOT, env });
    const needs = await shell(`${PREPARED}\n${permissions}`, {
      cwd: ROOT,
      env,
      namespaces: NAMESPACES,
    });
    assert.deepEqual(needs.trim().split(/\s+(?=--)/), [
      "--allow-env=SELVAGE_*",
      "--allow-net=0.0.0.0:8443",
      "--allow-read=/run/selvage/trust,/app",
    ]);
    const printed = await shell(
      `${PREPARED}
exec 3< <(set +e; ${run} 2> errors; echo "ended $?")
while read -r line <&3; do
  case $line in
    *worker.ready*) break ;;
    ended*) cat errors; exit 1 ;;
  esac
done
'${Deno.execPath()}' run -A '${ROOT}src/cli/main.ts' call math.add '[1, 2]' --endpoint 127.0.0.1:8443 \\
  --ca trust/ca.crt --cert client/tls.crt --key client/tls.key --identity spiffe://example.org/worker
'${Deno.execPath()}' eval 'console.log((await (await fetch("http://127.0.0.1:9090/readyz")).text()).trim())'
${stop} --latest > stopped
cat <&3
grep -o '"type":"worker.stopped".*"abandoned":[0-9]*' errors | tail -n 1 | grep -o '"abandoned":.*'`,
      { cwd: folder, env, namespaces: NAMESPACES },
    );
    assert.deepEqual(printed.trim().split("\n"), ["3", "ok", "ended 0", '"abandoned":0']);
  },
);

interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly namespaces?: readonly string[];
}

async function shell(script: string, { cwd, env, namespaces = ["--mount"] }: ShellOptions) {
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: [...namespaces, "bash", "-c", script],
    cwd,
    env,
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, `${script}\n${out}\n${err?.slice(-2000)}`);
  return out!;
}

/** Writes a storage of its own, limits that a confined root may set, and what is mounted; gives the variables for them. */
async function writeSettings(folder: string): Promise<Readonly<Record<string, string>>> {
  const authority = createAuthority();
  const worker = authority.issue({ name: "worker", spiffe: "spiffe://example.org/worker" });
  const client = authority.issue({ name: "client", spiffe: "spiffe://example.org/client/a" });
  const files = {
    "containers.conf": `[containers]
cgroups = "disabled"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
`,
    "storage.conf": `[storage]
driver = "vfs"
graphroot = "${folder}/storage"
runroot = "${folder}/run"
`,
    "trust/ca.crt": authority.certPem,
    "pki/tls.crt": worker.certPem,
    "pki/tls.key": worker.keyPem,
    "client/tls.crt": client.certPem,
    "client/tls.key": client.keyPem,
  };
  await Deno.chmod(folder, 0o755);
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text, { mode: 0o600 });
  }
  return {
    CONTAINERS_CONF: `${folder}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
    BUILDAH_ISOLATION: "chroot",
  };
}
