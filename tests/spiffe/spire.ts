import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "./daemon.ts";

const bin = fileURLToPath(new URL("../../.selvage/bin", import.meta.url));
const SERVER = join(bin, "spire-server");
const AGENT = join(bin, "spire-agent");

/** How long SVIDs live, in seconds; SPIRE renews them at half of it. */
const SVID_SECONDS = 20;

/** Whether `scripts/install_spire.ts` has built SPIRE. */
export function isSpireInstalled(): boolean {
  return [SERVER, AGENT].every((program) => {
    try {
      return Deno.statSync(program).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/** A workload that SPIRE knows: a program, by the path of its executable. */
export interface Workload {
  readonly id: string;
  readonly executable: string;
  readonly federatesWith?: string;
}

/** A SPIRE server and an agent that has joined it, of the trust domain `example.org`. */
export class Spire implements AsyncDisposable {
  /** Where the agent serves the Workload API. */
  readonly socket: string;
  readonly #folder: string;
  readonly #server: Daemon;
  readonly #agentId: string;
  #agent: Daemon;

  private constructor(folder: string, server: Daemon, agent: Daemon, agentId: string) {
    this.socket = agentSocket(folder);
    this.#folder = folder;
    this.#server = server;
    this.#agent = agent;
    this.#agentId = agentId;
  }

  /** Starts both, and waits until the agent serves workloads. */
  static async start(): Promise<Spire> {
    const folder = await Deno.makeTempDir({ prefix: "selvage-spire-" });
    await writeConfiguration(folder);
    const server = new Daemon(SERVER, { args: ["run", "-config", join(folder, "server.conf")] });
    try {
      await server.line(/Starting Server APIs.*network=unix/);
      await Deno.writeTextFile(join(folder, "bundle.pem"), await ask(folder, ["bundle", "show"]));
      const token = /Token: (\S+)/.exec(await ask(folder, ["token", "generate"]))?.[1];
      const agent = await startAgent(folder, ["-joinToken", `${token}`]);
      const agentId = `spiffe://example.org/spire/agent/join_token/${token}`;
      return new Spire(folder, server, agent, agentId);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Registers a workload. */
  async register({ id, executable, federatesWith }: Workload): Promise<void> {
    await ask(this.#folder, [
      "entry",
      "create",
      ...["-parentID", this.#agentId, "-spiffeID", id],
      ...["-selector", `unix:path:${executable}`, "-x509SVIDTTL", `${SVID_SECONDS}`],
      ...(federatesWith === undefined ? [] : ["-federatesWith", federatesWith]),
    ]);
  }

  /** Lets the server know the bundle of another trust domain. */
  async federate(domain: string, bundlePem: string): Promise<void> {
    const path = join(this.#folder, "federated.pem");
    await Deno.writeTextFile(path, bundlePem);
    await ask(this.#folder, ["bundle", "set", "-format", "pem", "-id", domain, "-path", path]);
  }

  /** Ends the agent without a word. */
  async killAgent(): Promise<void> {
    await this.#agent.end("SIGKILL");
  }

  /** Starts the agent again, which remembers who it is. */
  async startAgent(): Promise<void> {
    this.#agent = await startAgent(this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function startAgent(folder: string, args: readonly string[] = []): Promise<Daemon> {
  const agent = new Daemon(AGENT, {
    args: ["run", "-config", join(folder, "agent.conf"), ...args],
  });
  await agent.line(/Starting Workload and SDS APIs/);
  return agent;
}

/** What the server's own command answers. */
async function ask(folder: string, [...args]: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(SERVER, {
    args: [...args, "-socketPath", serverSocket(folder)],
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`spire-server ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function writeConfiguration(folder: string): Promise<void> {
  const port = freePort();
  const keys = join(folder, "agent");
  await Deno.mkdir(keys);
  await Deno.writeTextFile(
    join(folder, "server.conf"),
    `
server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  trust_domain = "example.org"
  data_dir = "${folder}"
  socket_path = "${serverSocket(folder)}"
  agent_ttl = "1h"
}
plugins {
  DataStore "sql" {
    plugin_data {
      database_type = "sqlite3"
      connection_string = "${join(folder, "datastore.sqlite3")}"
    }
  }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
}
`,
  );
  await Deno.writeTextFile(
    join(folder, "agent.conf"),
    `
agent {
  server_address = "127.0.0.1"
  server_port = "${port}"
  trust_domain = "example.org"
  trust_bundle_path = "${join(folder, "bundle.pem")}"
  data_dir = "${keys}"
  socket_path = "${agentSocket(folder)}"
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { directory = "${keys}" } }
  WorkloadAttestor "unix" { plugin_data { discover_workload_path = true } }
}
`,
  );
}

/** SPIRE takes no port of the system's choosing; that of a listener that has just closed is free. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function serverSocket(folder: string): string {
  return join(folder, "server.sock");
}

function agentSocket(folder: string): string {
  return join(folder, "agent.sock");
}
