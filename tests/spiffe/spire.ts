import { join } from "node:path";
import { present } from "../../src/values/mod.ts";
import { Daemon } from "./daemon.ts";
import { SPIRE_FOLDER, SPIRE_SERVER, SpireServer } from "./spire_server.ts";

const AGENT = join(SPIRE_FOLDER, "spire-agent");

/** How long SVIDs live, in seconds; SPIRE renews them at half of it. */
const SVID_SECONDS = 20;

/** Whether `scripts/install_spire.ts` has built SPIRE. */
export function isSpireInstalled(): boolean {
  return [SPIRE_SERVER, AGENT].every((program) => {
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
  readonly #server: SpireServer;
  readonly #agentId: string;
  #agent: Daemon;

  private constructor(folder: string, server: SpireServer, agent: Daemon, agentId: string) {
    this.socket = agentSocket(folder);
    this.#folder = folder;
    this.#server = server;
    this.#agent = agent;
    this.#agentId = agentId;
  }

  /** Starts both, and waits until the agent serves workloads. Its root: one above the server's authority, if given. */
  static async start(root?: { readonly pem: string; readonly keyPem: string }): Promise<Spire> {
    const folder = await Deno.makeTempDir({ prefix: "selvage-spire-" });
    const upstream = root && { cert: join(folder, "root.pem"), key: join(folder, "root.key") };
    if (root !== undefined && upstream !== undefined) {
      await Deno.writeTextFile(upstream.cert, root.pem);
      await Deno.writeTextFile(upstream.key, root.keyPem);
    }
    const server = await SpireServer.start(folder, { ...present({ upstream }) });
    try {
      await writeConfiguration(folder, server.address);
      await Deno.writeTextFile(join(folder, "bundle.pem"), await server.ask("bundle", "show"));
      const token = /Token: (\S+)/.exec(await server.ask("token", "generate"))?.[1];
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
    await this.#server.ask(
      "entry",
      "create",
      ...["-parentID", this.#agentId, "-spiffeID", id],
      ...["-selector", `unix:path:${executable}`, "-x509SVIDTTL", `${SVID_SECONDS}`],
      ...(federatesWith === undefined ? [] : ["-federatesWith", federatesWith]),
    );
  }

  /** Lets the server know the bundle of another trust domain. */
  async federate(domain: string, bundlePem: string): Promise<void> {
    const path = join(this.#folder, "federated.pem");
    await Deno.writeTextFile(path, bundlePem);
    await this.#server.ask("bundle", "set", "-format", "pem", "-id", domain, "-path", path);
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

async function writeConfiguration(
  folder: string,
  server: SpireServer["address"],
): Promise<void> {
  const keys = join(folder, "agent");
  await Deno.mkdir(keys);
  await Deno.writeTextFile(
    join(folder, "agent.conf"),
    `
agent {
  server_address = "${server.hostname}"
  server_port = "${server.port}"
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

function agentSocket(folder: string): string {
  return join(folder, "agent.sock");
}
