import { freePort, installed } from "./program.ts";
import { TestProcess } from "./test_process.ts";

/** Where etcd is; `undefined` where it is not installed. */
export const etcdProgram = installed("etcd");

/** How a member is started. */
export interface EtcdServerOptions {
  /** Flags besides those that every member has. Default: none. */
  readonly flags?: readonly string[];
  /** Whether clients speak TLS. Default false. */
  readonly tls?: boolean;
  /** Where it is part of a cluster of several: its name, its own port for the others, and all members. */
  readonly member?: { readonly name: string; readonly peerPort: number; readonly cluster: string };
}

/** One etcd of a real cluster of one, on loopback. */
export class EtcdServer implements AsyncDisposable {
  readonly port = freePort();
  readonly #folder = Deno.makeTempDirSync();
  readonly #options: EtcdServerOptions;
  readonly #peerPort = freePort();
  #process: TestProcess | undefined;

  private constructor(options: EtcdServerOptions) {
    this.#options = options;
  }

  /** Starts it, and waits until it answers. */
  static async start(options: EtcdServerOptions = {}): Promise<EtcdServer> {
    const server = new EtcdServer(options);
    await server.restart();
    return server;
  }

  /** `HOST:PORT` of its clients. */
  get endpoint(): string {
    return `localhost:${this.port}`;
  }

  /** Starts it again on what it has stored. */
  async restart(): Promise<void> {
    const client = `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
    const { name = "default", peerPort = this.#peerPort, cluster } = this.#options.member ?? {};
    const peer = `http://127.0.0.1:${peerPort}`;
    const isReady = (line: string) =>
      /serving (insecure )?client requests|serving client traffic/.test(line);
    const { process } = await TestProcess.ready(etcdProgram!, isReady, {
      args: [
        `--data-dir=${this.#folder}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--name=${name}`,
        `--initial-cluster=${cluster ?? `${name}=${peer}`}`,
        "--logger=zap",
        ...this.#options.flags ?? [],
      ],
    });
    this.#process = process;
  }

  /** Ends or stops it. */
  signal(signal: Deno.Signal): void {
    this.#process?.kill(signal);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.#process?.end();
    this.#process = undefined;
  }

  /** Has it shut down in order: 3.6 refuses calls for 7 s then, while a watch goes on. */
  async terminate(): Promise<void> {
    this.signal("SIGTERM");
    await this.#process?.ended;
    this.#process = undefined;
  }

  /** Calls its JSON gateway, as a client of another make. */
  async gateway(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`http://127.0.0.1:${this.port}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  }

  /** Writes a key. */
  async put(key: string, value: string, lease?: string): Promise<void> {
    await this.gateway("kv/put", { key: btoa(key), value: btoa(value), ...(lease && { lease }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Starts a cluster of three, and waits until each member answers. */
export async function startCluster(): Promise<readonly EtcdServer[]> {
  const members = ["a", "b", "c"].map((name) => ({ name, peerPort: freePort() }));
  const cluster = members.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`)
    .join();
  return await Promise.all(
    members.map((member) => EtcdServer.start({ member: { ...member, cluster } })),
  );
}

/** The member that leads, by what the members say themselves. */
export async function leaderOf(members: readonly EtcdServer[]): Promise<EtcdServer> {
  for (;;) {
    for (const member of members) {
      const { header, leader } = await member.gateway("maintenance/status", {}) as {
        header: { member_id: string };
        leader?: string;
      };
      if (leader === header.member_id) return member;
    }
  }
}
