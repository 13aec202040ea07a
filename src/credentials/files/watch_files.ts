import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../../observe/mod.ts";
import { isMissing } from "../../platform/mod.ts";
import type { Assembled } from "../assemble.ts";
import { assembleNext, type ReadPem } from "../next_version.ts";
import { FileReadings } from "./file_readings.ts";
import { type CredentialParts, filesOf, namingOrigin, readParts } from "../parts.ts";
import type { CredentialRejection } from "../rejection.ts";
import type { CredentialsSource, OpenCredentialsOptions } from "../source.ts";
import { CredentialsStore } from "../store.ts";
import { untilAborted } from "../../values/mod.ts";

/** Settings of watched files. */
export interface WatchOptions {
  /** How long nothing may change before the files are read, in milliseconds. Default 100. */
  readonly debounceMs?: number | undefined;
  /** How often to look where a folder cannot be watched or something is amiss, in milliseconds. Default 1,000. */
  readonly pollMs?: number | undefined;
  /** How long files that do not exist yet are waited for at the start, in milliseconds. Default 10,000. */
  readonly waitMs?: number | undefined;
}

/** Watched folders are looked at this often all the same: some network file systems tell nothing. */
const WATCHED_POLL_MS = 10_000;

/**
 * Files that do not fit together are believed, and reported, once nothing has changed for this many
 * times the debounce.
 */
const SETTLE_DEBOUNCES = 20;

/** Files that keep changing are read after this many times the debounce all the same. */
const PATIENCE_DEBOUNCES = 10;

/** Opens credentials whose files are watched. */
export async function openWatched(
  parts: CredentialParts,
  settings: WatchOptions,
  options: OpenCredentialsOptions,
): Promise<CredentialsSource> {
  const watch = new FileWatch(parts, settings, options);
  try {
    await untilAborted(watch.begin(), options.signal);
  } catch (error) {
    await watch.store[Symbol.asyncDispose]();
    throw error;
  }
  return watch.store;
}

/** Reads the files whenever they change, and offers what they hold. */
class FileWatch {
  readonly store: CredentialsStore;
  readonly #parts: CredentialParts;
  readonly #clock: Clock;
  readonly #debounceMs: number;
  readonly #pollMs: number;
  readonly #waitMs: number;
  readonly #readings: FileReadings<ReadPem | CredentialRejection>;
  readonly #first = Promise.withResolvers<void>();
  readonly #begunAt: number;
  /** What the files held when they were read last, since when, and whether that is in use. */
  #seen = { digest: "", since: 0, inUse: false };

  constructor(parts: CredentialParts, settings: WatchOptions, options: OpenCredentialsOptions) {
    this.#parts = parts;
    this.#clock = options.clock ?? systemClock;
    this.#debounceMs = settings.debounceMs ?? 100;
    this.#pollMs = settings.pollMs ?? 1_000;
    this.#waitMs = settings.waitMs ?? 10_000;
    this.#begunAt = this.#clock.steady();
    this.#readings = new FileReadings({
      paths: filesOf(parts),
      debounceMs: this.#debounceMs,
      patienceMs: this.#debounceMs * PATIENCE_DEBOUNCES,
      clock: this.#clock,
      read: () => readParts(parts),
      take: (read) => this.#judge(read),
      againInMs: (watched) => this.#nextCheckMs(watched),
      background: () => this.store.ready,
    });
    this.store = new CredentialsStore(options, () => this.#readings[Symbol.asyncDispose]());
  }

  /** Settles with the first version that can be used, or with what forbids it. */
  begin(): Promise<void> {
    void this.#readings.begin();
    return this.#first.promise;
  }

  #judge(read: ReadPem | CredentialRejection): void {
    const now = this.#clock.now();
    const digest = digestOf(read);
    if (digest !== this.#seen.digest) {
      this.#seen = { digest, since: this.#clock.steady(), inUse: false };
    }
    if (this.#seen.inUse) return;
    const inUse = this.store.ready ? this.store.current() : undefined;
    const assembled = "kind" in read
      ? read
      : namingOrigin(assembleNext(read, now, inUse), this.#parts);
    if (this.store.ready) this.#judgeNext(assembled);
    else this.#judgeFirst(assembled);
  }

  #judgeNext(assembled: Assembled): void {
    if (this.#faultsOf(assembled).some((fault) => this.#mayBeTorn(fault))) return;
    this.#seen.inUse = this.store.offer(assembled) !== "rejected";
  }

  /** What may be wrong with a version that would replace the one in use. */
  #faultsOf(assembled: Assembled): readonly CredentialRejection[] {
    if (assembled.kind === "rejected") return [assembled];
    const { material, kept = [] } = assembled;
    const own = assembled.kind === "own-invalid" ? assembled.rejected : undefined;
    return [own, this.store.changeFault(material), ...kept].filter((fault) => fault !== undefined);
  }

  #judgeFirst(assembled: Assembled): void {
    if (assembled.kind !== "usable") {
      const rejected = refusalOf(assembled);
      const torn = this.#mayBeTorn(rejected);
      const waitsMs = this.#waitLeftMs();
      if ((torn || namesMissing(rejected)) && waitsMs > 0) {
        if (!torn) this.store.reject(rejected, waitsMs);
        return;
      }
    }
    try {
      this.store.offerFirst(assembled);
    } catch (error) {
      this.#first.reject(error);
      return;
    }
    this.#seen.inUse = assembled.kind === "usable";
    this.#first.resolve();
  }

  /** Whether this is what files look like that are being written just now. */
  #mayBeTorn({ reason, mismatched = false }: CredentialRejection): boolean {
    return (TORN.has(reason) || mismatched) && this.#settleLeftMs() > 0;
  }

  #settleLeftMs(): number {
    return this.#seen.since + this.#debounceMs * SETTLE_DEBOUNCES - this.#clock.steady();
  }

  #waitLeftMs(): number {
    return this.#begunAt + this.#waitMs - this.#clock.steady();
  }

  #nextCheckMs(watched: boolean): number {
    if (this.#seen.inUse) return watched ? WATCHED_POLL_MS : this.#pollMs;
    const deadlines = [this.#settleLeftMs(), this.store.ready ? 0 : this.#waitLeftMs()];
    return Math.min(this.#pollMs, ...deadlines.filter((leftMs) => leftMs > 0));
  }
}

/** How files look that are being written; of a whole certificate with bad dates none of it is true. */
const TORN: ReadonlySet<CredentialRejection["reason"]> = new Set([
  "unreadable",
  "incomplete",
  "malformed",
  "key-mismatch",
]);

function namesMissing({ cause }: CredentialRejection): boolean {
  return isMissing(cause);
}

function refusalOf(assembled: Exclude<Assembled, { kind: "usable" }>): CredentialRejection {
  return assembled.kind === "rejected" ? assembled : assembled.rejected;
}

/** Kept instead of the text, which holds the private key. */
function digestOf(read: ReadPem | CredentialRejection): string {
  const content = "kind" in read
    ? [read.reason, read.message]
    : { ...read, domains: [...read.domains ?? []] };
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
