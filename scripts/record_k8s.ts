/**
 * Records what a real kube-apiserver answers to lists and watches of EndpointSlices, chunk by chunk, into
 * `tests/discovery/k8s_recorded.json`. Builds the server from its Go module into `.selvage/bin` where it is missing,
 * which takes 7 to 20 minutes, and runs it with the etcd in PATH. There is no kubelet: this program writes the slices.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../src/credentials/mod.ts";
import { kubernetesDiscovery } from "../src/discovery/mod.ts";
import { Watched } from "../tests/support/watched.ts";
import { freePort } from "../tests/support/program.ts";

const VERSION = "v1.37.2";
const bin = fileURLToPath(new URL("../.selvage/bin", import.meta.url));
const server = join(bin, "kube-apiserver");
const target = fileURLToPath(new URL("../tests/discovery/k8s_recorded.json", import.meta.url));

/** One request and its response, as they were seen. */
interface Recorded {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  /** The body, cut where the server's chunks ended. */
  readonly chunks: string[];
}

const authority = createAuthority();
const LABEL = "kubernetes.io/service-name";
const TOKEN = "recorder-token";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const SELECTED = `${SLICES}?labelSelector=${
  encodeURIComponent("kubernetes.io/service-name=workers")
}`;

if (!await exists(server)) await build();
const folder = await Deno.makeTempDir({ prefix: "selvage-k8s-" });
const recorded: Recorded[] = [];
try {
  await record();
  await Deno.writeTextFile(target, `${JSON.stringify({ server: VERSION, recorded }, null, 2)}\n`);
  console.error(`k8s: ${recorded.length} exchanges of kube-apiserver ${VERSION} are in ${target}`);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function record(): Promise<void> {
  const ports = { etcd: freePort(), etcdPeer: freePort(), api: freePort() };
  await writeKeys();
  await using _etcd = run("etcd", [
    `--data-dir=${folder}/etcd`,
    `--listen-client-urls=http://127.0.0.1:${ports.etcd}`,
    `--advertise-client-urls=http://127.0.0.1:${ports.etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${ports.etcdPeer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${ports.etcdPeer}`,
    `--initial-cluster=default=http://127.0.0.1:${ports.etcdPeer}`,
  ]);
  let first: string;
  {
    await using api = await startApi(ports);
    await create("workers-a", [
      endpoint("10.0.0.1", {}),
      endpoint("10.0.0.2", { ready: true, serving: true, terminating: false }),
      { ...endpoint("10.0.0.3", { ready: true }), addresses: ["10.0.0.3", "10.0.0.33"] },
      endpoint("10.0.0.4", { ready: false, serving: true, terminating: true }),
      endpoint("10.0.0.5", { ready: false, serving: false, terminating: false }),
    ]);
    await create("workers-b", [endpoint("10.0.0.6", {})]);
    await api.exchange("list, page 1 of 2", `${SELECTED}&limit=1`);
    const { metadata } = JSON.parse(recorded.at(-1)!.chunks.join("")) as List;
    await api.exchange("list, page 2 of 2", `${SELECTED}&limit=1&continue=${metadata.continue}`);
    await api.exchange("list", SELECTED);
    first = (JSON.parse(recorded.at(-1)!.chunks.join("")) as List).metadata.resourceVersion;
    await api.exchange("watch with changes", watchFrom(first, 8), async () => {
      await create("workers-c", [endpoint("10.0.0.7", {})]);
      await patch("workers-a", { endpoints: [endpoint("10.0.0.1", {})] });
      await patch("workers-b", { metadata: { labels: { [LABEL]: "others" } } });
      await remove("workers-c");
      await create("workers-d", [endpoint("10.0.0.8", {}), endpoint("10.0.0.9", {})]);
    });
    await api.exchange("watch of a future version", watchFrom("999999999", 3));
    await api.exchange("watch of an invalid version", watchFrom("abc", 3));
    await api.exchange("list with a bad token", SELECTED, undefined, "bad");
  }
  await compact(ports.etcd);
  await using api = await startApi(ports);
  await api.exchange("watch of a compacted version", watchFrom("1", 3));
  await api.exchange("list after the restart", SELECTED);
  await followLive();

  /** What was recorded is played back; that the server itself is understood is seen here. */
  async function followLive(): Promise<void> {
    await Deno.writeTextFile(`${folder}/ca.crt`, authority.certPem);
    await Deno.writeTextFile(`${folder}/token`, TOKEN);
    const discovery = kubernetesDiscovery({
      namespace: "default",
      service: "workers",
      apiServer: `127.0.0.1:${ports.api}`,
      ca: `${folder}/ca.crt`,
      tokenFile: `${folder}/token`,
    });
    await using watched = new Watched(discovery);
    await watched.next();
    await create("workers-e", [endpoint("10.0.0.11", {})]);
    await watched.until((now) => now.includes("10.0.0.11:8443"));
    await remove("workers-e");
    await watched.until((now) => !now.includes("10.0.0.11:8443"));
    if (watched.failures.length > 0) throw new Error(watched.failures.join());
    console.error(`k8s: followed the server itself: ${watched.addresses.join(" ")}`);
  }

  function url(path: string): string {
    return `https://127.0.0.1:${ports.api}${path}`;
  }
  async function write(method: string, path: string, body?: unknown, type = "application/json") {
    const response = await client(url(path), {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }
  function create(name: string, endpoints: readonly unknown[]): Promise<void> {
    return write("POST", SLICES, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { [LABEL]: "workers" } },
      addressType: "IPv4",
      endpoints,
      ports: [{ name: "grpc", port: 8443, protocol: "TCP" }],
    });
  }
  function patch(name: string, change: unknown): Promise<void> {
    return write("PATCH", `${SLICES}/${name}`, change, "application/merge-patch+json");
  }
  function remove(name: string): Promise<void> {
    return write("DELETE", `${SLICES}/${name}`);
  }
}

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

function endpoint(address: string, conditions: Record<string, boolean>) {
  return { addresses: [address], conditions };
}

function watchFrom(version: string, seconds: number): string {
  return `${SELECTED}&watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${version}`;
}

/** The platform's own client: the recorder is not what is tested. */
function client(url: string, init: RequestInit): Promise<Response> {
  const caCerts = [authority.certPem];
  const httpClient = Deno.createHttpClient({ caCerts });
  return fetch(url.replace("127.0.0.1", "localhost"), { ...init, client: httpClient });
}

async function startApi(ports: { etcd: number; api: number }) {
  const process = run(server, [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.api}`,
    "--bind-address=127.0.0.1",
    `--tls-cert-file=${folder}/tls.crt`,
    `--tls-private-key-file=${folder}/tls.key`,
    "--service-cluster-ip-range=10.1.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${folder}/account.pub`,
    `--service-account-signing-key-file=${folder}/account.key`,
    `--token-auth-file=${folder}/tokens`,
    "--authorization-mode=AlwaysAllow",
  ]);
  const ready = async () => {
    const response = await client(`https://127.0.0.1:${ports.api}/readyz`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    await response.body?.cancel();
    return response.ok;
  };
  for (let tries = 0; !await ready().catch(() => false); tries++) {
    if (tries === 300) throw new Error("kube-apiserver does not become ready");
    await new Promise((done) => setTimeout(done, 200));
  }
  return {
    async exchange(name: string, path: string, meanwhile?: () => Promise<void>, token = TOKEN) {
      const response = await client(`https://127.0.0.1:${ports.api}${path}`, {
        headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      });
      const chunks: string[] = [];
      const reading = (async () => {
        for await (const chunk of response.body!) chunks.push(new TextDecoder().decode(chunk));
      })();
      await meanwhile?.();
      await reading;
      const contentType = response.headers.get("content-type") ?? "";
      recorded.push({ name, path, status: response.status, contentType, chunks });
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

async function compact(etcd: number): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`http://127.0.0.1:${etcd}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return await response.json();
  };
  const { header } = await post("/v3/kv/range", { key: btoa("x") });
  await post("/v3/kv/compaction", { revision: header.revision, physical: true });
}

async function writeKeys(): Promise<void> {
  const pair = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const pem = (label: string, der: ArrayBuffer) => {
    const lines = btoa(String.fromCharCode(...new Uint8Array(der))).match(/.{1,64}/g)!.join("\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  };
  const own = pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const shown = pem("PUBLIC KEY", await crypto.subtle.exportKey("spki", pair.publicKey));
  await Deno.writeTextFile(`${folder}/account.key`, own, { mode: 0o600 });
  await Deno.writeTextFile(`${folder}/account.pub`, shown);
  const names = ["kubernetes.default.svc", "localhost"];
  const { certPem, keyPem } = authority.issue({ name: "kube-apiserver", dns: names });
  await Deno.writeTextFile(`${folder}/tls.crt`, certPem);
  await Deno.writeTextFile(`${folder}/tls.key`, keyPem, { mode: 0o600 });
  await Deno.writeTextFile(`${folder}/tokens`, `${TOKEN},recorder,recorder,system:masters\n`);
}

function run(program: string, args: readonly string[]) {
  const process = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" })
    .spawn();
  return {
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      const timer = setTimeout(() => process.kill("SIGKILL"), 5_000);
      await process.status;
      clearTimeout(timer);
    },
  };
}

/** Builds from a module of our own: the release requires its parts by paths, which are replaced by their versions. */
async function build(): Promise<void> {
  console.error(`k8s: building kube-apiserver ${VERSION}, which takes 7 to 20 minutes`);
  const folder = await Deno.makeTempDir({ prefix: "selvage-kube-apiserver-" });
  const go = async (args: readonly string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("go", {
      args: [...args],
      cwd: folder,
      env: { GOTOOLCHAIN: "local", CGO_ENABLED: "0" },
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`go ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  try {
    const part = `v0${VERSION.slice(2)}`;
    await Deno.writeTextFile(`${folder}/go.mod`, "module selvage.invalid/k8s\n\ngo 1.26.0\n");
    const module = `k8s.io/kubernetes@${VERSION}`;
    const { Dir, GoMod } = JSON.parse(await go(["mod", "download", "-json", module]));
    const parts = (await Deno.readTextFile(GoMod)).matchAll(/^\t(k8s\.io\/\S+) v0\.0\.0$/gm);
    const replaced = [...parts].map(([, name]) => `replace ${name} => ${name} ${part}`);
    await Deno.writeTextFile(
      `${folder}/go.mod`,
      `module selvage.invalid/k8s\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes ${VERSION}\n\n` +
        `${replaced.join("\n")}\n`,
    );
    await Deno.copyFile(join(Dir, "go.sum"), `${folder}/go.sum`);
    await Deno.chmod(`${folder}/go.sum`, 0o644);
    await Deno.writeTextFile(
      `${folder}/main.go`,
      'package main\n\nimport (\n\t"os"\n\n\t"k8s.io/component-base/cli"\n' +
        '\t"k8s.io/kubernetes/cmd/kube-apiserver/app"\n)\n\n' +
        "func main() {\n\tos.Exit(cli.Run(app.NewAPIServerCommand()))\n}\n",
    );
    await Deno.mkdir(bin, { recursive: true });
    await go(["build", "-mod=mod", "-ldflags=-s -w", "-o", server, "."]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
