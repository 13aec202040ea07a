import { createHash } from "node:crypto";
import type { CredentialsSource } from "../credentials/mod.ts";
import {
  type IdentityPattern,
  judging,
  type PeerQuestion,
  type Steps,
  type Verdict,
} from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { verdictTurns } from "../peer/mod.ts";
import type { DiscoveredWorker } from "./discovery.ts";
import {
  isSignedBy,
  type ReadStatement,
  readStatement,
  STATEMENT_LIFE_MS,
} from "./signed_statement.ts";
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

/** A worker whose announcement is believed. */
export interface BelievedWorker {
  /** The worker as it was signed. */
  readonly worker: DiscoveredWorker;
  /** When the announcement is no longer believed, in milliseconds since the epoch. */
  readonly until: number;
}

/** So far a worker's clock may be ahead of ours, in milliseconds. */
const TOLERANCE_MS = 30_000;

/** Workers whose last sequence is remembered; the one that was heard of longest ago is forgotten. */
const MAX_SEQUENCES = 16_384;

/** The newest statement of a worker. */
interface Newest {
  readonly sequence: number;
  /** Tells it from another statement of the same sequence. */
  readonly digest: string;
  readonly until: number;
}

/** Judges signed announcements, and remembers which statement of each worker is the newest. */
export class StatementJudge {
  readonly #options: SignedDiscoveryOptions;
  readonly #newest = new Map<string, Newest>();

  constructor(options: SignedDiscoveryOptions) {
    this.#options = options;
  }

  /**
   * Judges the announcement of a worker as the worker itself would be judged on a connection, in turns with the
   * other verdicts of the process: one signature a turn of the event loop.
   *
   * @throws {Error} In one sentence, why the announcement is not believed.
   */
  async believe(worker: DiscoveredWorker): Promise<BelievedWorker> {
    if (worker.signed === undefined) throw new Error("it is not signed");
    const read = readStatement(worker.signed);
    const { id, address, tags, at, sequence } = read.statement;
    if (address !== worker.address || (worker.id !== undefined && id !== worker.id)) {
      throw new Error("it was signed for another worker");
    }
    if (JSON.stringify(tags) !== JSON.stringify(worker.tags ?? [])) {
      throw new Error("its tags were changed after it was signed");
    }
    const now = this.#options.clock.now();
    if (at > now + TOLERANCE_MS) throw new Error("it was signed in the future");
    if (now - at > STATEMENT_LIFE_MS) throw new Error("it was signed more than five minutes ago");
    const { verdict, signed } = await verdictTurns.take(
      judgingStatement(read, this.#question(now)),
    );
    if (!verdict.trusted) throw new Error(`who signed it is refused (${verdict.reason})`);
    if (!signed) throw new Error("its signature is invalid");
    const digest = createHash("sha256").update(worker.signed).digest("base64");
    const until = Math.min(Math.min(at, now) + STATEMENT_LIFE_MS, verdict.validUntil);
    const newest = this.#insistOnNewest(`${verdict.identity.name} ${id}`, {
      sequence,
      digest,
      until,
    });
    return { worker: { ...worker, id, tags }, until: newest.until };
  }

  #question(now: number): PeerQuestion {
    const { credentials, identity: expected, limits } = this.#options;
    const { anchors, denylist, verdict: mode } = credentials.current();
    if (anchors === undefined) throw new Error("no authority is trusted");
    return {
      role: "server",
      anchors,
      expected,
      now,
      denylist,
      limits,
      ...present({ mode }),
    };
  }

  /** A statement that comes again is believed for no longer than the first time. */
  #insistOnNewest(worker: string, statement: Newest): Newest {
    const known = this.#newest.get(worker);
    const isKnown = known !== undefined && statement.digest === known.digest;
    if (known !== undefined && !isKnown && statement.sequence <= known.sequence) {
      throw new Error("the worker has signed a newer one");
    }
    this.#newest.delete(worker);
    if (this.#newest.size === MAX_SEQUENCES) {
      this.#newest.delete(this.#newest.keys().next().value!);
    }
    const newest = isKnown ? known : statement;
    this.#newest.set(worker, newest);
    return newest;
  }
}

/** The verdict on who signed a statement and, where that is trusted, whether the signature is theirs. */
function* judgingStatement(
  read: ReadStatement,
  question: PeerQuestion,
): Steps<{ readonly verdict: Verdict; readonly signed: boolean }> {
  const verdict = yield* judging(read.chain, question);
  if (!verdict.trusted) return { verdict, signed: false };
  const atOnce = () => isSignedBy(read, verdict.path[0]!.publicKey);
  return { verdict, signed: yield { atOnce, soon: atOnce } };
}
