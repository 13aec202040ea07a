import { join } from "node:path";
import { type Authority, createAuthority } from "../../src/credentials/mod.ts";

/** One end of the connections, and where its files lie. */
export interface End {
  readonly spiffe: string;
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** Issues short-lived certificates to both ends, as files, one after another. */
export class Renewal implements AsyncDisposable {
  readonly worker: End;
  readonly dispatcher: End;
  /** How often both ends were given new certificates, the first time not counted. */
  renewals = 0;
  readonly #folder: string;
  readonly #ttlMs: number;
  readonly #authority: Authority = createAuthority();
  #timer: ReturnType<typeof setInterval> | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, ttlMs: number) {
    this.#folder = folder;
    this.#ttlMs = ttlMs;
    this.worker = endIn(folder, "worker");
    this.dispatcher = endIn(folder, "dispatcher");
  }

  /** Writes the first certificates, valid for `ttlMs`, and others every `everyMs`. */
  static async begin(ttlMs: number, everyMs: number): Promise<Renewal> {
    const renewal = new Renewal(await Deno.makeTempDir(), ttlMs);
    await renewal.#write();
    renewal.#timer = setInterval(() => renewal.#renew(), everyMs);
    return renewal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await Deno.remove(this.#folder, { recursive: true });
  }

  #renew(): void {
    this.renewals += 1;
    this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    for (const { spiffe, files } of [this.worker, this.dispatcher]) {
      const { caPem, certPem, keyPem } = this.#authority.issue({
        name: "soak",
        spiffe,
        ttlMs: this.#ttlMs,
      });
      await replace(files.ca, caPem);
      await replace(files.cert, certPem);
      await replace(files.key, keyPem);
    }
  }
}

function endIn(folder: string, name: string): End {
  const file = (part: string): string => join(folder, `${name}.${part}.pem`);
  return {
    spiffe: `spiffe://soak.example/${name}`,
    files: { ca: file("ca"), cert: file("cert"), key: file("key") },
  };
}

async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
