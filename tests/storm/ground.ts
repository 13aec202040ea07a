import { join } from "node:path";
import type { TestCertificate } from "../support/certificates.ts";
import { makeVersion, type Version, WORKER_ID } from "../rotation/versions.ts";
import { pathsIn, ways } from "../rotation/ways.ts";

/** As Kubernetes does, since all three files change at one moment. */
const way = ways.find(({ name }) => name.includes("..data"))!;

/** The files that all processes of a storm follow, and who may change them when. */
export class Ground implements AsyncDisposable {
  readonly ledger: string;
  readonly denylist: string;
  readonly #workers: string;
  readonly #folder: string;
  readonly #identities: ReadonlyMap<string, string>;
  #changes = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, identities: ReadonlyMap<string, string>) {
    this.#folder = folder;
    this.#identities = identities;
    this.ledger = join(folder, "ledger");
    this.denylist = join(folder, "denylist.json");
    this.#workers = join(folder, "workers.json");
  }

  /** Lays files of a worker and of callers by name, under one authority. */
  static async lay(callers: readonly string[], root: TestCertificate): Promise<Ground> {
    const identities = new Map([["worker", WORKER_ID]]);
    for (const name of callers) identities.set(name, callerId(name));
    const ground = new Ground(await Deno.makeTempDir(), identities);
    await Deno.writeTextFile(ground.ledger, "");
    await Deno.writeTextFile(ground.denylist, "{}");
    await Deno.writeTextFile(ground.#workers, "[]");
    for (const [end, version] of ground.versions([root])) {
      await Deno.mkdir(join(ground.#folder, end));
      await way.lay(join(ground.#folder, end), version);
    }
    return ground;
  }

  /** How often files have been changed. */
  get changes(): number {
    return this.#changes;
  }

  /** The discovery that the callers use. */
  get discovery(): string {
    return `file:${this.#workers}`;
  }

  /** Where the credentials of an end lie. */
  files(end: string): { readonly ca: string; readonly cert: string; readonly key: string } {
    return pathsIn(join(this.#folder, end));
  }

  /** New certificates of every end under the first authority, which trust all of these. */
  versions(
    authorities: readonly [TestCertificate, ...TestCertificate[]],
  ): ReadonlyMap<string, Version> {
    return new Map([...this.#identities].map(([end, id]) => [end, makeVersion(id, authorities)]));
  }

  /** Gives every end its version. @returns The number of this change. */
  rewrite(versions: ReadonlyMap<string, Version>): Promise<number> {
    return this.#change(async () => {
      for (const [end, version] of versions) await way.rewrite(join(this.#folder, end), version);
    });
  }

  /** Denies these identities, in a list of that many entries. @returns The number of this change. */
  deny(spiffeIds: readonly string[], entries: number): Promise<number> {
    const serials = Array.from({ length: entries - spiffeIds.length }, (_, n) => `${1000 + n}`);
    return this.#change(() => replace(this.denylist, JSON.stringify({ spiffeIds, serials })));
  }

  /** Lists the workers. */
  async list(addresses: readonly string[]): Promise<void> {
    await replace(this.#workers, JSON.stringify(addresses));
  }

  /** Does something while no file changes: a process that starts has read them before or after a change. */
  undisturbed<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await Deno.remove(this.#folder, { recursive: true });
  }

  #change(write: () => Promise<void>): Promise<number> {
    return this.undisturbed(async () => {
      await write();
      return ++this.#changes;
    });
  }
}

/** The identity of a caller. */
export function callerId(name: string): string {
  return `spiffe://example.org/client/${name}`;
}

async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}
