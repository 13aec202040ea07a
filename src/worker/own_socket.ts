import { env } from "node:process";
import type { CredentialMaterial, CredentialsSource } from "../credentials/mod.ts";
import type { OwnWorker } from "../dispatch/mod.ts";
import type { Discovery } from "../discovery/mod.ts";
import { type IdentityPattern, judgePeer, type PeerIdentity } from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { type OwnProcess, processSecret } from "../peer/mod.ts";
import { removeAbandoned } from "./abandoned_folders.ts";

/** The longest path that is used has 100 bytes, after `unix:`; a unix socket's has at most 107. */
const MAX_ADDRESS_BYTES = 105;

/**
 * Where a worker takes the calls of its own routines: a unix socket in a folder that is its own, or in memory where
 * there can be none. Its peer is proven by a secret of the process, and is who the worker's own certificate says.
 */
export class OwnSocket implements OwnProcess, OwnWorker, AsyncDisposable {
  readonly secret: Uint8Array = processSecret();
  /** Where it is: `unix:PATH`, or `memory:NAME`. */
  readonly address: string;
  /** The addresses by which a discovery may name this worker. */
  readonly addresses: Set<string> = new Set<string>();
  readonly discovery: Discovery;
  readonly #folder: string | undefined;
  readonly #credentials: CredentialsSource | undefined;
  readonly #allow: readonly IdentityPattern[];
  readonly #clock: Clock;

  private constructor(folder: string | undefined, options: OwnSocketOptions) {
    this.#folder = folder;
    this.address = folder === undefined
      ? `memory:own-${crypto.randomUUID()}`
      : `unix:${folder}/own`;
    this.#credentials = options.credentials;
    this.#allow = options.allow;
    this.#clock = options.clock;
    this.addresses.add(this.address);
    this.discovery = findsOnly(this.address);
  }

  /**
   * Makes the folder, and removes those of workers that were killed. Without a permission to write, or a place for
   * it, the calls stay in memory.
   */
  static async make(options: OwnSocketOptions): Promise<OwnSocket> {
    for (const root of roots()) {
      const permission = { name: "write", path: root } as const;
      if (Deno.permissions.querySync(permission).state !== "granted") continue;
      try {
        const folder = await Deno.makeTempDir({ dir: root, prefix: "selvage-" });
        const own = new OwnSocket(folder, options);
        if (new TextEncoder().encode(own.address).length <= MAX_ADDRESS_BYTES) {
          await removeAbandoned(root, Date.now());
          return own;
        }
        await Deno.remove(folder);
      } catch (error) {
        if (
          !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)
        ) {
          throw error;
        }
      }
    }
    return new OwnSocket(undefined, options);
  }

  identity(): PeerIdentity | undefined | "refused" {
    const material = this.#credentials?.current();
    if (material?.mode !== "mutual") return undefined;
    const verdict = this.#judge(material, material, this.#allow);
    return verdict?.trusted === true ? verdict.identity : "refused";
  }

  onChange(changed: () => void): Disposable {
    return this.#credentials?.subscribe(() => changed()) ?? { [Symbol.dispose]: () => {} };
  }

  isExpected(
    by: CredentialMaterial | undefined,
    expected: readonly IdentityPattern[],
  ): boolean {
    const own = this.#credentials?.current();
    if (by === undefined || own === undefined) return by === own;
    return this.#judge(own, by, expected)?.trusted === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) {
      await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
    }
  }

  /** Who the worker's own chain proves it to be, by the trust of some credentials. */
  #judge(
    { own }: CredentialMaterial,
    { anchors, denylist, verdict: mode = "private" }: CredentialMaterial,
    expected: readonly IdentityPattern[],
  ): ReturnType<typeof judgePeer> | undefined {
    if (own === undefined || anchors === undefined) return undefined;
    const now = this.#clock.now();
    return judgePeer(own.chain, { role: "server", anchors, expected, mode, denylist, now });
  }
}

/** What an own socket is made for. */
export interface OwnSocketOptions {
  readonly credentials: CredentialsSource | undefined;
  readonly allow: readonly IdentityPattern[];
  readonly clock: Clock;
}

function findsOnly(address: string): Discovery {
  return {
    source: "own",
    namesWorkers: false,
    async *watch(signal) {
      yield [{ kind: "added", worker: { address } }];
      if (signal.aborted) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
  };
}

function roots(): readonly string[] {
  const readable = Deno.permissions.querySync({ name: "env", variable: "XDG_RUNTIME_DIR" });
  const own = readable.state === "granted" ? env["XDG_RUNTIME_DIR"] : undefined;
  return own === undefined || own === "" ? ["/tmp"] : [own, "/tmp"];
}
