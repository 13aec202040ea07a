import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon } from "./daemon.ts";

/** Where `scripts/install_spire.ts` puts SPIRE's programs. */
export const SPIRE_FOLDER: string = fileURLToPath(new URL("../../.selvage/bin", import.meta.url));
/** SPIRE's server. */
export const SPIRE_SERVER: string = join(SPIRE_FOLDER, "spire-server");

/** How a server is configured beyond what it needs. */
export interface SpireServerOptions {
  /** The files of a root above the server's own authority. Default: it makes a root itself. */
  readonly upstream?: { readonly cert: string; readonly key: string };
}

/** A SPIRE server of the trust domain `example.org`, whose files are in a folder. */
export class SpireServer implements AsyncDisposable {
  /** Where agents join it. */
  readonly address: { readonly hostname: string; readonly port: number };
  readonly #folder: string;
  readonly #daemon: Daemon;

  private constructor(folder: string, address: SpireServer["address"]) {
    this.#folder = folder;
    this.address = address;
    this.#daemon = new Daemon(SPIRE_SERVER, {
      args: ["run", "-config", join(folder, "server.conf")],
    });
  }

  /** Starts it, and waits until it serves. */
  static async start(folder: string, options: SpireServerOptions = {}): Promise<SpireServer> {
    const address = freeAddress();
    await Deno.writeTextFile(join(folder, "server.conf"), configuration(folder, address, options));
    const server = new SpireServer(folder, address);
    try {
      await server.#daemon.line(/Starting Server APIs.*network=unix/);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the server's own command answers. */
  async ask(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(SPIRE_SERVER, {
      args: [...args, "-socketPath", socketOf(this.#folder)],
    }).output();
    if (success) return new TextDecoder().decode(stdout);
    throw new Error(`spire-server ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
  }
}

function configuration(
  folder: string,
  { hostname, port }: SpireServer["address"],
  { upstream }: SpireServerOptions,
): string {
  return `
server {
  bind_address = "${hostname}"
  bind_port = "${port}"
  trust_domain = "example.org"
  data_dir = "${folder}"
  socket_path = "${socketOf(folder)}"
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
  ${
    upstream === undefined ? "" : `UpstreamAuthority "disk" {
    plugin_data { cert_file_path = "${upstream.cert}" key_file_path = "${upstream.key}" }
  }`
  }
}
`;
}

/**
 * SPIRE takes no port of the system's choosing. That of a listener that has just closed is free, and a loopback
 * address that nobody else uses keeps it so.
 */
function freeAddress(): SpireServer["address"] {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  const hostname = `127.${a}.${b}.${1 + c! % 254}`;
  using listener = Deno.listen({ hostname, port: 0 });
  return { hostname, port: listener.addr.port };
}

function socketOf(folder: string): string {
  return join(folder, "server.sock");
}
