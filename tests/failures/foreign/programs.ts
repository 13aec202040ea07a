/** TLS peers that nobody here wrote: Node's, Go's and nginx, all from one description of what they listen with. */
import { ForeignProcess } from "../../attacks/foreign_process.ts";
import { TestProcess } from "../../support/test_process.ts";
import { findTool } from "../../foreign/tool.ts";
import type { TestCertificate } from "../../support/certificates.ts";

/** One port of a foreign HTTP/2 server. */
export interface ForeignListener {
  /** By which the test finds its address. */
  readonly name: string;
  readonly certificate: TestCertificate;
  /** Whom it trusts. */
  readonly ca: TestCertificate;
  /** Whether it demands a client certificate of that authority. Default false. */
  readonly client?: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** Default: h2 among others. */
  readonly alpn?: readonly string[];
  /** Whether nginx turns every client away. Default false. */
  readonly reject?: boolean;
}

type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Foreign servers that listen. */
export interface ForeignServers extends AsyncDisposable {
  /** The address of the listener of that name. */
  address(name: string): string;
}

/** Which foreign servers there are. */
export type ServerKind = "Node" | "Go" | "nginx";

/** The tools of each kind; a path is absent where the machine does not have it. */
export const TOOLS: Readonly<Record<ServerKind | "curl", { name: string; path?: string }>> = {
  Node: tool("node"),
  Go: tool("go"),
  nginx: tool("nginx", "/usr/sbin/nginx"),
  curl: tool("curl"),
};

function tool(name: string, ...others: readonly string[]): { name: string; path?: string } {
  const path = findTool(name) ?? others.find(exists);
  return path === undefined ? { name } : { name, path };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Starts foreign servers and waits until all of them listen. */
export async function startForeign(
  kind: ServerKind,
  listeners: readonly ForeignListener[],
): Promise<ForeignServers> {
  if (kind === "nginx") return await startNginx(listeners);
  const program = kind === "Node" ? ["node", fileOf("server.mjs")] as const : await goPeer();
  const process = new ForeignProcess(program, { listeners: listeners.map(settingsOf) });
  const { ports } = await process.until("listening");
  return {
    address: (name) => `127.0.0.1:${(ports as Record<string, number>)[name]}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function settingsOf({ certificate, ca, ...rest }: ForeignListener): Record<string, unknown> {
  return { ...rest, cert: certificate.chainPem, key: certificate.keyPem, ca: ca.pem };
}

function fileOf(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

let built: Promise<readonly [string]> | undefined;

/** Go's peer, built once in a process. */
export function goPeer(): Promise<readonly [string]> {
  return built ??= buildGoPeer();
}

async function buildGoPeer(): Promise<readonly [string]> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/peer`;
  const { success, stderr } = await new Deno.Command(TOOLS.Go.path ?? "go", {
    args: ["build", "-o", path, fileOf("peer.go")],
    env: { GO111MODULE: "off", GOTOOLCHAIN: "local" },
  }).output();
  if (!success) throw new Error(`go build: ${new TextDecoder().decode(stderr)}`);
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return [path];
}

/** nginx cannot choose a port of its own, so it listens on unix sockets. */
async function startNginx(listeners: readonly ForeignListener[]): Promise<ForeignServers> {
  const folder = await Deno.makeTempDir();
  const blocks = await Promise.all(listeners.map((listener) => nginxServer(folder, listener)));
  await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfiguration(folder, blocks));
  // Which it says once every socket is open.
  const isReady = (line: string) => line.includes(" OS: ");
  const { process } = await TestProcess.ready(TOOLS.nginx.path ?? "nginx", isReady, {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
  });
  return {
    address: (name) => `unix:${folder}/${name}.sock`,
    async [Symbol.asyncDispose]() {
      await process.end();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function nginxConfiguration(folder: string, servers: readonly string[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  return `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
events {}
http { access_log off; ${temporary}
${servers.join("\n")}
}`;
}

async function nginxServer(folder: string, listener: ForeignListener): Promise<string> {
  const { name, certificate, ca, client, minVersion, maxVersion, alpn, reject } = listener;
  const file = (suffix: string) => `${folder}/${name}.${suffix}`;
  await Deno.writeTextFile(file("pem"), certificate.chainPem);
  await Deno.writeTextFile(file("key"), certificate.keyPem);
  await Deno.writeTextFile(file("ca"), ca.pem);
  const versions = (["TLSv1.2", "TLSv1.3"] as const).filter((version) =>
    version >= (minVersion ?? version) && version <= (maxVersion ?? version)
  );
  const http2 = alpn === undefined || alpn.includes("h2") ? " http2" : "";
  return `server { listen unix:${file("sock")} ssl${http2};
    ssl_certificate ${file("pem")}; ssl_certificate_key ${file("key")};
    ssl_protocols ${versions.join(" ")};
    ${reject === true ? "ssl_reject_handshake on;" : ""}
    ${client === true ? `ssl_client_certificate ${file("ca")}; ssl_verify_client on;` : ""}
  }`;
}
