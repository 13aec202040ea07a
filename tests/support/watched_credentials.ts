import assert from "node:assert/strict";
import {
  type CredentialFiles,
  Credentials,
  type CredentialsSource,
  type WatchOptions,
} from "../../src/credentials/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { certificateShapes, makeAuthorities, type TestCertificate } from "./certificates.ts";
import { RecordingObserver } from "./recording_observer.ts";

/** What the credentials of these tests are signed by. */
export const authorities = makeAuthorities();
/** What a worker may show. */
export const shapes = certificateShapes(authorities, "spiffe://example.org/worker");

/** The wait for quiet is short here, so that a wait for files to settle is a fifth of a second. */
export const DEBOUNCE_MS = 10;

/** By which no time passes, so that what files look like between two writes is waited for, however slow the machine. */
export function standing(): Clock {
  const now = Date.now();
  return { ...systemClock, now: () => now, steady: () => 0 };
}

/** A folder of credentials and their watched source. */
export class Watched implements AsyncDisposable {
  readonly observer = new RecordingObserver();
  readonly #folder: string;
  #source: CredentialsSource | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new folder with nothing in it. */
  static async folder(): Promise<Watched> {
    return new Watched(await Deno.makeTempDir());
  }

  /** A new folder, with these credentials in it and watched. */
  static async with(leaf: TestCertificate): Promise<Watched> {
    const watched = await Watched.folder();
    await watched.writeAll(leaf);
    await watched.open();
    return watched;
  }

  /** The path of one of its files. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Writes one of its files in place. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.path(name), text);
  }

  /** Writes the authorities, a certificate and its key in place. */
  async writeAll(leaf: TestCertificate, below: string = "."): Promise<void> {
    await this.write(`${below}/ca.pem`, authorities.root.pem);
    await this.write(`${below}/tls.crt`, leaf.chainPem);
    await this.write(`${below}/tls.key`, leaf.keyPem);
  }

  /** Watches what `writeAll` wrote. */
  async open(
    options: WatchOptions & { below?: string; clock?: Clock } = {},
  ): Promise<CredentialsSource> {
    const { below = ".", clock = systemClock, ...settings } = options;
    this.#source = await Credentials.watchFiles({
      ca: this.path(`${below}/ca.pem`),
      cert: this.path(`${below}/tls.crt`),
      key: this.path(`${below}/tls.key`),
      debounceMs: DEBOUNCE_MS,
      ...settings,
    }).open({ observer: this.observer, clock });
    return this.#source;
  }

  /** Watches these files, besides the authorities. */
  async openFrom(files: Omit<CredentialFiles, "ca">): Promise<void> {
    const watching = Credentials.watchFiles({
      ca: this.path("ca.pem"),
      ...files,
      debounceMs: DEBOUNCE_MS,
    });
    this.#source = await watching.open({ observer: this.observer });
  }

  /** What is watched. */
  get source(): CredentialsSource {
    return this.#source ?? assert.fail("not open");
  }

  /** Waits until the credentials in use are these. */
  async uses(leaf: TestCertificate): Promise<void> {
    for (let rotations = 1; this.source.current().own?.keyPem !== leaf.keyPem; rotations++) {
      await this.observer.until("credentials.rotated", rotations);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source?.[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Lets some time pass in which nothing may happen. */
export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
