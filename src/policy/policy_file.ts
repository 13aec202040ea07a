import { createHash } from "node:crypto";
import { FolderWatch } from "../credentials/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import type { Clock, Observer } from "../observe/mod.ts";
import type { Authorizer, PolicyCall } from "./authorizer.ts";
import { parseJsonc } from "./jsonc.ts";
import {
  CompiledPolicy,
  type PolicyDecision,
  readPolicy,
  type ReadPolicyOptions,
} from "./rules/mod.ts";

/** A change is read once nothing has changed for so long, in milliseconds. */
const DEBOUNCE_MS = 100;
/** How often the file is read without a reported change, in milliseconds: some file systems report no changes. */
const POLL_MS = 10_000;
/** The same where its folder cannot be watched, or the version that was read last is not in force. */
const QUICK_POLL_MS = 1_000;
/** The largest policy file, in bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** What a policy file works with. */
export interface PolicyFileOptions extends ReadPolicyOptions {
  readonly clock: Clock;
  readonly observer: Observer;
}

/**
 * Reads the text of a policy file: JSON with comments and trailing commas.
 *
 * @throws {ConfigurationError} where it is not JSON, or not a policy.
 */
export function parsePolicy(text: string, options: ReadPolicyOptions): CompiledPolicy {
  return new CompiledPolicy(readPolicy(parseJsonc(text, "policy", "policy"), options));
}

/**
 * A policy in a file, which is read again when it changes. A version that cannot be read is reported
 * and the last good one stays in force, also where the file is deleted.
 */
export class PolicyFile implements Authorizer {
  readonly #path: string;
  readonly #options: PolicyFileOptions;
  readonly #folders: FolderWatch;
  readonly #listeners = new Set<() => void>();
  #policy!: CompiledPolicy;
  /** The version that was read last, valid or not. */
  #digest = "";
  #inForce = false;
  #timer: Disposable | undefined;
  #reading: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, options: PolicyFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#folders = new FolderWatch(() => this.#readIn(DEBOUNCE_MS));
  }

  /**
   * Reads a policy file and watches it.
   *
   * @throws {ConfigurationError} where it cannot be read or holds no policy.
   */
  static async open(path: string, options: PolicyFileOptions): Promise<PolicyFile> {
    const file = new PolicyFile(path, options);
    const watched = await file.#folders.follow([path]);
    try {
      const text = await readText(path);
      file.#policy = parsePolicy(text, options);
      file.#digest = digestOf(text);
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
    file.#inForce = true;
    file.#readIn(watched ? POLL_MS : QUICK_POLL_MS);
    return file;
  }

  get rules(): number {
    return this.#policy.rules;
  }

  readsTags(name: string): boolean {
    return this.#policy.readsTags(name);
  }

  decide(call: PolicyCall): PolicyDecision {
    return this.#policy.decide(call.subject, call);
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#reading;
    await this.#folders[Symbol.asyncDispose]();
  }

  #readIn(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.schedule(
      () => this.#reading = this.#reading.then(() => this.#read()),
      delayMs,
      { background: true },
    );
  }

  async #read(): Promise<void> {
    // Watched first, so that a change during the reading is not missed.
    const watched = await this.#folders.follow([this.#path]);
    if (this.#closed) return;
    try {
      const text = await readText(this.#path);
      const digest = digestOf(text);
      if (digest !== this.#digest) this.#adopt(text, digest);
    } catch (error) {
      this.#reject(error as Error);
    }
    this.#readIn(watched && this.#inForce ? POLL_MS : QUICK_POLL_MS);
  }

  #adopt(text: string, digest: string): void {
    const policy = parsePolicy(text, this.#options);
    this.#policy = policy;
    this.#digest = digest;
    this.#inForce = true;
    this.#options.observer.emit({
      type: "policy.changed",
      fingerprint: digest,
      rules: policy.rules,
    });
    for (const changed of [...this.#listeners]) changed();
  }

  /** Reported once for each message: the file is read again and again. */
  #reject({ message }: Error): void {
    const digest = digestOf(message);
    if (digest === this.#digest && !this.#inForce) return;
    this.#digest = digest;
    this.#inForce = false;
    this.#options.observer.emit({ type: "policy.rejected", message });
  }
}

async function readText(path: string): Promise<string> {
  const refuse = (why: string): never => {
    throw new ConfigurationError(`policy: ${path} ${why}`, { setting: "policy" });
  };
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return refuse("is not a file");
    if (size > MAX_FILE_BYTES) return refuse(`is larger than ${MAX_FILE_BYTES} bytes`);
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof Deno.errors.NotFound) return refuse("does not exist");
    return refuse(`cannot be read: ${error instanceof Error ? error.name : String(error)}`);
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
