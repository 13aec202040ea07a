import { join } from "node:path";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { TestCertificate } from "../support/certificates.ts";
import { Load } from "./load.ts";
import { Emitted } from "./emitted.ts";
import { ALLOWED, CLIENT_ID, makeRoot, makeVersion, type Version, WORKER_ID } from "./versions.ts";
import { pathsIn, renamed, type Way } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

/** The versions that both ends begin with. */
export interface Beginnings {
  readonly worker: Version;
  readonly client: Version;
}

/** A worker process and a dispatcher here, over mutual TLS, under load; the files of both are watched. */
export class Stage implements AsyncDisposable {
  readonly dispatcher: Dispatcher;
  readonly load: Load;
  /** The worker's address. */
  readonly address: string;
  /** What the worker's log reports. */
  readonly worker: Emitted;
  /** What the dispatcher's events report. */
  readonly client: Emitted;
  readonly #way: Way;
  readonly #folders: Folders;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    readonly dispatcher: Dispatcher;
    readonly load: Load;
    readonly address: string;
    readonly worker: Emitted;
    readonly client: Emitted;
    readonly way: Way;
    readonly folders: Folders;
    readonly resources: AsyncDisposableStack;
  }) {
    this.dispatcher = parts.dispatcher;
    this.load = parts.load;
    this.address = parts.address;
    this.worker = parts.worker;
    this.client = parts.client;
    this.#way = parts.way;
    this.#folders = parts.folders;
    this.#resources = parts.resources;
  }

  /** Sets it up, with long calls of every kind in flight. */
  static async open(way: Way = renamed, begin: Beginnings = beginnings()): Promise<Stage> {
    await using opening = new AsyncDisposableStack();
    const folders = opening.use(await Folders.make());
    await way.lay(folders.worker, begin.worker);
    await way.lay(folders.client, begin.client);
    const worker = opening.use(WorkerProcess.command(mutualFlags(folders.worker)));
    const address = await worker.address;
    const dispatcher = opening.use(
      await Dispatcher.open({
        discovery: `static:${address}`,
        credentials: Credentials.watchFiles(pathsIn(folders.client)),
        identity: WORKER_ID,
      }),
    );
    const client = new Emitted(dispatcher.events());
    const load = await Load.begin(dispatcher);
    const resources = opening.move();
    const emitted = worker.emitted;
    return new Stage({
      dispatcher,
      load,
      address,
      worker: emitted,
      client,
      way,
      folders,
      resources,
    });
  }

  /** Writes another version of the worker's credentials. */
  rewriteWorker(version: Version): Promise<void> {
    return this.#way.rewrite(this.#folders.worker, version);
  }

  /** Writes another version of the dispatcher's credentials. */
  rewriteClient(version: Version): Promise<void> {
    return this.#way.rewrite(this.#folders.client, version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The flags of `selvage worker` for mutual TLS with the files of a folder. */
export function mutualFlags(folder: string): readonly string[] {
  const { ca, cert, key } = pathsIn(folder);
  return ["--ca", ca, "--cert", cert, "--key", key, "--allow", ALLOWED];
}

/** Of each end a certificate under the first authority, and trust in all of them. */
export function beginnings(
  authorities: readonly [TestCertificate, ...TestCertificate[]] = [makeRoot("root")],
): Beginnings {
  return {
    worker: makeVersion(WORKER_ID, authorities),
    client: makeVersion(CLIENT_ID, authorities),
  };
}

/** The folders of both ends, gone with their disposal. */
export class Folders implements AsyncDisposable {
  readonly worker: string;
  readonly client: string;
  readonly #base: string;

  private constructor(base: string) {
    this.#base = base;
    this.worker = join(base, "worker");
    this.client = join(base, "client");
  }

  /** Makes them, empty. */
  static async make(): Promise<Folders> {
    const folders = new Folders(await Deno.makeTempDir());
    await Deno.mkdir(folders.worker);
    await Deno.mkdir(folders.client);
    return folders;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#base, { recursive: true });
  }
}
