import type { CredentialsSource } from "../credentials/mod.ts";
import { type IdentityPattern, judging, type PeerQuestion } from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { verdictTurns } from "../peer/mod.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { isSignedBy, readStatement, STATEMENT_LIFE_MS } from "./signed_statement.ts";
import { present } from "../values/mod.ts";

/** Whose announcements are believed. */
export interface SignedDiscoveryOptions {
  /** Whom we trust: the same as for connections. */
  readonly credentials: CredentialsSource;
  /** Who workers must be: the same as for connections. */
  readonly identity: readonly IdentityPattern[];
  readonly clock: Clock;
  readonly limits?: PeerQuestion["limits"];
}

/** So far a worker's clock may be ahead of ours, in milliseconds. */
const TOLERANCE_MS = 30_000;

/** Workers whose last sequence is remembered; the one that was heard of longest ago is forgotten. */
const MAX_SEQUENCES = 16_384;

/**
 * A discovery of which only announcements are used that a worker has signed with the key of its own certificate:
 * others are `rejected`, and what was found before stays. Each announcement is judged as the worker itself would be
 * on a connection, in turns with the rest of the process.
 */
export function signedDiscovery(
  discovery: Discovery,
  options: SignedDiscoveryOptions,
): Discovery {
  const believed = new BelievedAnnouncements(options);
  async function* watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    for await (const batch of discovery.watch(signal)) {
      const changes: DiscoveryChange[] = [];
      for (const change of batch) {
        changes.push(
          change.kind === "added" || change.kind === "updated"
            ? await believed.judge(change.kind, change.worker, () => !signal.aborted)
            : change,
        );
      }
      yield changes;
    }
  }
  const { source, namesWorkers } = discovery;
  return {
    source,
    namesWorkers,
    get expectsMore() {
      return discovery.expectsMore === true;
    },
    watch,
  };
}

/** What was signed, by whom, and which statement of each worker is the newest. */
class BelievedAnnouncements {
  readonly #options: SignedDiscoveryOptions;
  readonly #newest = new Map<string, { readonly sequence: number; readonly signed: string }>();

  constructor(options: SignedDiscoveryOptions) {
    this.#options = options;
  }

  async judge(
    kind: "added" | "updated",
    worker: DiscoveredWorker,
    wanted: () => boolean,
  ): Promise<DiscoveryChange> {
    try {
      await this.#insist(worker, wanted);
      return { kind, worker };
    } catch (error) {
      const { address } = worker;
      const message = `the announcement of ${address} is not used: ${(error as Error).message}`;
      return { kind: "rejected", message, address };
    }
  }

  /** @throws {Error} In one sentence, why the announcement is not believed. */
  async #insist(worker: DiscoveredWorker, wanted: () => boolean): Promise<void> {
    if (worker.signed === undefined) throw new Error("it is not signed");
    const read = readStatement(worker.signed);
    const { id, address, tags, at, sequence } = read.statement;
    if (address !== worker.address || (worker.id !== undefined && id !== worker.id)) {
      throw new Error("it was signed for another worker");
    }
    if (JSON.stringify(tags) !== JSON.stringify(worker.tags ?? [])) {
      throw new Error("its tags were changed after it was signed");
    }
    const { credentials, identity: expected, clock, limits } = this.#options;
    const now = clock.now();
    if (at > now + TOLERANCE_MS) throw new Error("it was signed in the future");
    if (now - at > STATEMENT_LIFE_MS) throw new Error("it was signed more than five minutes ago");
    const { anchors, denylist, verdict: mode } = credentials.current();
    if (anchors === undefined) throw new Error("no authority is trusted");
    const verdict = await verdictTurns.take(
      judging(read.chain, {
        role: "server",
        anchors,
        expected,
        now,
        denylist,
        limits,
        ...present({ mode }),
      }),
      wanted,
    );
    if (!verdict.trusted) throw new Error(`who signed it is refused (${verdict.reason})`);
    if (!isSignedBy(read, verdict.path[0]!.publicKey)) throw new Error("its signature is invalid");
    this.#insistOnNewest(`${verdict.identity.name} ${id}`, sequence, worker.signed);
  }

  #insistOnNewest(worker: string, sequence: number, signed: string): void {
    const newest = this.#newest.get(worker);
    if (newest !== undefined && sequence <= newest.sequence && signed !== newest.signed) {
      throw new Error("the worker has signed a newer one");
    }
    this.#newest.delete(worker);
    if (this.#newest.size === MAX_SEQUENCES) {
      this.#newest.delete(this.#newest.keys().next().value!);
    }
    this.#newest.set(worker, { sequence, signed });
  }
}
