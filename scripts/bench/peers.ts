import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createAuthority } from "../../src/credentials/mod.ts";
import { file_selvage_test_v1_echo } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { Subject } from "./subject.ts";

const FOREIGN = new URL("../../tests/foreign/node", import.meta.url).pathname;
const here = (file: string) => new URL(`./peers/${file}`, import.meta.url).pathname;

/** Builds a peer into a folder and starts it; reports nothing where what builds it is not installed. */
type StartPeer = (folder: string, env: Record<string, string>) => Promise<Subject | undefined>;

const PEERS: Readonly<Record<string, StartPeer>> = {
  "node:tls": (_folder, env) => {
    const args = ["run", "-A", "--v8-flags=--expose-gc", here("raw_tls.ts")];
    return Promise.resolve(new Subject({ name: "node:tls", args, env }));
  },
  "grpc-js": (folder, env) => node("grpc-js", "grpc_js.mjs", folder, env),
  "connect-node": (folder, env) => node("connect-node", "connect_node.mjs", folder, env),
  "grpc-go": (folder, env) => go("grpc-go", "grpc", folder, env),
  "connect-go": (folder, env) => go("connect-go", "connect", folder, env),
  // On one thread at each end, as the others, and on all processors.
  "tonic": (folder, env) => rust("tonic", folder, env),
  "tonic-threads": (folder, env) => rust("tonic-threads", folder, { ...env, BENCH_THREADS: "all" }),
};

/** All peers, also those that need Go or Rust. */
export const PEER_NAMES: readonly string[] = Object.keys(PEERS);

/** Those that need nothing but Node and Deno. */
export const USUAL_PEERS: readonly string[] = ["node:tls", "grpc-js", "connect-node"];

/** The peers of these names, with certificates of an authority made for them. */
export async function peerSubjects(
  stack: AsyncDisposableStack,
  names: readonly string[],
): Promise<Subject[]> {
  const folder = await Deno.makeTempDir({ prefix: "selvage-peers-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const authority = createAuthority({ name: "bench" });
  for (const name of ["worker", "caller"]) {
    const issued = authority.issue({ name, dns: ["localhost"] });
    await Deno.writeTextFile(`${folder}/ca.pem`, issued.caPem);
    await Deno.writeTextFile(`${folder}/${name}.pem`, issued.certPem);
    await Deno.writeTextFile(`${folder}/${name}.key`, issued.keyPem, { mode: 0o600 });
  }
  const env = { BENCH_FOLDER: folder };
  const subjects: Subject[] = [];
  for (const name of names) {
    const subject = await PEERS[name]?.(folder, env);
    if (subject !== undefined) subjects.push(subject);
  }
  return subjects;
}

/** One under Node, with the pinned versions that the interoperability tests use. */
async function node(
  name: string,
  file: string,
  folder: string,
  env: Record<string, string>,
): Promise<Subject> {
  const isInstalled = await Deno.stat(`${folder}/node_modules`).then(() => true, () => false);
  if (!isInstalled) {
    for (const file of ["package.json", "package-lock.json"]) {
      await Deno.copyFile(`${FOREIGN}/${file}`, `${folder}/${file}`);
    }
    await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder);
  }
  for (const copied of [file, "callers.mjs"]) {
    await Deno.copyFile(here(copied), `${folder}/${copied}`);
  }
  const set = create(FileDescriptorSetSchema, { file: [file_selvage_test_v1_echo.proto] });
  const descriptors = toBinary(FileDescriptorSetSchema, set);
  const echo = { BENCH_DESCRIPTORS: descriptors.toBase64() };
  return new Subject({
    name,
    program: "node",
    args: [`${folder}/${file}`],
    env: { ...env, ...echo },
  });
}

/** One built with Go, with the versions that its `go.sum` pins. */
async function go(
  name: string,
  program: string,
  folder: string,
  env: Record<string, string>,
): Promise<Subject | undefined> {
  if (!await isInstalled("go", "version")) return skipped(name, "Go");
  const built = `${folder}/${name}`;
  await run("go", ["build", "-o", built, `./${program}`], here("go"));
  return new Subject({ name, program: built, args: [], env });
}

/** The one built with Rust, with the versions that its `Cargo.lock` pins. */
async function rust(
  name: string,
  folder: string,
  env: Record<string, string>,
): Promise<Subject | undefined> {
  if (!await isInstalled("cargo", "--version")) return skipped(name, "Rust");
  // It takes a minute or two: a folder that lasts spares them the next time.
  const target = Deno.env.get("CARGO_TARGET_DIR") ?? `${folder}/rust`;
  await run("cargo", ["build", "--release", "--locked", "--target-dir", target], here("rust"));
  return new Subject({ name, program: `${target}/release/bench-peer`, args: [], env });
}

async function isInstalled(program: string, versionFlag: string): Promise<boolean> {
  const command = new Deno.Command(program, {
    args: [versionFlag],
    stdout: "null",
    stderr: "null",
  });
  return await command.output().then(({ success }) => success, () => false);
}

function skipped(name: string, missing: string): undefined {
  console.error(`bench: ${name} is left out: ${missing} is not installed`);
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  const command = new Deno.Command(program, { args, cwd, stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
