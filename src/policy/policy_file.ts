import { WatchedText } from "../credentials/mod.ts";
import type { Clock, Observer } from "../observe/mod.ts";
import type { Authorizer, PolicyCall } from "./authorizer.ts";
import { parseJsonc } from "./jsonc.ts";
import {
  CompiledPolicy,
  type PolicyDecision,
  readPolicy,
  type ReadPolicyOptions,
} from "./rules/mod.ts";

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
  readonly #options: PolicyFileOptions;
  readonly #listeners = new Set<() => void>();
  #policy: CompiledPolicy | undefined;
  #version = 0;
  #file: WatchedText | undefined;

  private constructor(options: PolicyFileOptions) {
    this.#options = options;
  }

  /**
   * Reads a policy file and watches it.
   *
   * @throws {ConfigurationError} where it cannot be read or holds no policy.
   */
  static async open(path: string, options: PolicyFileOptions): Promise<PolicyFile> {
    const policy = new PolicyFile(options);
    policy.#file = await WatchedText.open({
      path,
      maxBytes: MAX_FILE_BYTES,
      setting: "policy",
      adopt: (text, digest) => policy.#adopt(text, digest),
      reject: (message) => options.observer.emit({ type: "policy.rejected", message }),
      clock: options.clock,
    });
    return policy;
  }

  get rules(): number {
    return this.#inForce.rules;
  }

  get version(): number {
    return this.#version;
  }

  readsTags(name: string): boolean {
    return this.#inForce.readsTags(name);
  }

  decide(call: PolicyCall): PolicyDecision {
    return this.#inForce.decide(call.subject, call);
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
  }

  get #inForce(): CompiledPolicy {
    if (this.#policy === undefined) throw new TypeError("the policy is not open");
    return this.#policy;
  }

  #adopt(text: string, fingerprint: string): void {
    const policy = parsePolicy(text, this.#options);
    const first = this.#policy === undefined;
    this.#policy = policy;
    this.#version += 1;
    if (first) return;
    this.#options.observer.emit({ type: "policy.changed", fingerprint, rules: policy.rules });
    for (const changed of [...this.#listeners]) changed();
  }
}
