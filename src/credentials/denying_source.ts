import { fileURLToPath } from "node:url";
import { insistOnKind, unusable } from "../errors/mod.ts";
import { Denylist, type DenylistEntries } from "../identity/mod.ts";
import { type Clock, type Observer, systemClock } from "../observe/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { CredentialMaterial } from "./material.ts";
import type { CredentialsSource, OpenCredentialsOptions } from "./source.ts";
import { Subscription } from "./subscription.ts";
import { WatchedText } from "./files/watched_text.ts";

/**
 * Peers that are refused although all else is well: a file of JSON,
 * `{"spiffeIds":[…],"serials":[…],"spkiSha256":[…]}`, which is watched; or the lists themselves.
 */
export type DenylistSetting = string | URL | DenylistEntries;

/** The largest denylist file, in bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Opens credentials together with the denylist beside them: each is adopted on its own, so that a peer is denied
 * although our own certificate on disk cannot be used. `undefined` without credentials.
 *
 * @throws {ConfigurationError} where either cannot be read, or there is a denylist and no peer shows a certificate.
 */
export async function openCredentials(
  credentials: Credentials | undefined,
  denylist: DenylistSetting | undefined,
  options: OpenCredentialsOptions,
): Promise<CredentialsSource | undefined> {
  if (credentials === undefined) {
    if (denylist === undefined) return undefined;
    throw unusable("denylist", "a denylist is of no effect without credentials");
  }
  insistOnKind(
    "credentials",
    credentials,
    typeof credentials?.open === "function",
    "what Credentials.watchFiles(), .fromPem() or another of them returns",
  );
  if (denylist === undefined) return await credentials.open(options);
  await using opening = new AsyncDisposableStack();
  const source = opening.use(await credentials.open(options));
  if (source.current().mode === "one-way") {
    throw unusable("denylist", "a denylist is of no effect where peers show no certificate");
  }
  const { observer, clock = systemClock } = options;
  const denying = new DenyingSource(source);
  if (isEntries(denylist)) denying.deny(new Denylist(denylist));
  else opening.use(await follow(denylist, denying, observer, clock));
  denying.owns(opening.move());
  return denying;
}

/** Credentials with a denylist of their own. */
class DenyingSource implements CredentialsSource {
  readonly fixed: boolean;
  readonly #source: CredentialsSource;
  readonly #listeners = new Set<(material: CredentialMaterial) => void>();
  readonly #subscription: Disposable;
  #denylist = Denylist.empty;
  #current: CredentialMaterial;
  #resources: AsyncDisposable | undefined;

  constructor(source: CredentialsSource) {
    this.#source = source;
    this.fixed = source.fixed ?? false;
    this.#current = source.current();
    this.#subscription = source.subscribe(() => this.#turn());
  }

  current(): CredentialMaterial {
    return this.#current;
  }

  subscribe(listener: (material: CredentialMaterial) => void): Disposable {
    return new Subscription(this.#listeners, listener);
  }

  /** Denies these from now on, and no others. */
  deny(denylist: Denylist): void {
    this.#denylist = denylist;
    this.#turn();
  }

  /** Disposes of these with itself. */
  owns(resources: AsyncDisposable): void {
    this.#resources = resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    await this.#resources?.[Symbol.asyncDispose]();
  }

  #turn(): void {
    this.#current = { ...this.#source.current(), denylist: this.#denylist };
    for (const listener of [...this.#listeners]) listener(this.#current);
  }
}

function follow(
  file: string | URL,
  denying: DenyingSource,
  observer: Observer | undefined,
  clock: Clock,
): Promise<WatchedText> {
  let first = true;
  return WatchedText.open({
    path: file instanceof URL ? fileURLToPath(file) : file,
    maxBytes: MAX_FILE_BYTES,
    setting: "denylist",
    adopt: (text, fingerprint) => {
      const denylist = Denylist.parse(text);
      denying.deny(denylist);
      if (!first) observer?.emit({ type: "denylist.changed", entries: denylist.size, fingerprint });
      first = false;
    },
    reject: (message) => observer?.emit({ type: "denylist.rejected", message }),
    clock,
  });
}

function isEntries(denylist: DenylistSetting): denylist is DenylistEntries {
  return typeof denylist === "object" && !(denylist instanceof URL);
}
