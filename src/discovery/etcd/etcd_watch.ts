import { escapePeerText } from "../../errors/mod.ts";
import type * as etcd from "../../gen/etcd/mod.ts";
import { pause } from "../../observe/mod.ts";
import { readAnnouncement } from "../announcement_text.ts";
import type { DiscoveredWorker, DiscoveryChange } from "../discovery.ts";
import { KnownWorkers, MAX_CHARACTERS, MAX_ENTRIES } from "../known_workers.ts";
import type { EtcdMember, EtcdRegistry } from "./etcd_client.ts";
import { Retries } from "../retries.ts";
import { CALL, STREAM } from "./etcd_calls.ts";

/** More rejected keys than this of one answer are counted, not named. */
const MAX_NAMED = 16;

/** Keys of one page, all read at one revision. */
const PAGE = 500;

const EVENT_DELETE = 1;

/** How long a member may take to say that a watch has begun, in milliseconds; after that it may be silent. */
const BEGIN_MS = 10_000;

/** How far the store has been followed: resumed from there on another member, or after a restart. */
interface Position {
  readonly cluster: bigint;
  readonly revision: bigint;
}

/** Follows the keys of a prefix; a lost or frozen member leaves what is known in use. */
export class EtcdWatch {
  readonly #options: EtcdRegistry;
  readonly #known = new KnownWorkers();
  readonly #retries: Retries;
  #position: Position | undefined;

  constructor(options: EtcdRegistry) {
    this.#options = options;
    this.#retries = new Retries(options.clock);
  }

  /** Reports every change, until `signal` aborts. */
  async *changes(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const { client, clock } = this.#options;
    while (!signal.aborted) {
      let member: EtcdMember | undefined;
      try {
        member = await client.member(signal);
        if (!await this.#canResume(member, signal)) yield await this.#list(member, signal);
        else if (this.#retries.failing) yield [];
        for await (const changes of this.#follow(member, signal)) {
          this.#retries.succeeded();
          if (changes.length > 0) yield changes;
        }
      } catch (error) {
        if (signal.aborted) return;
        const message = (error as Error).message;
        if (this.#retries.failed()) yield [{ kind: "failed", message }];
      }
      if (member !== undefined) client.leave(member);
      await pause(clock, this.#retries.waitMs(), signal);
    }
  }

  /**
   * Whether the member is of the same store, and at least as far: a watch from a later revision than the
   * store has would be accepted, and silent.
   */
  async #canResume(member: EtcdMember, signal: AbortSignal): Promise<boolean> {
    const position = this.#position;
    if (position === undefined) return false;
    const { header } = await member.kv.range(
      { ...this.#range, limit: 1n },
      { signal, ...CALL },
    );
    return header?.clusterId === position.cluster && header.revision >= position.revision;
  }

  /** Reads all, page by page at one revision. */
  async #list(member: EtcdMember, signal: AbortSignal): Promise<readonly DiscoveryChange[]> {
    const entries = new Map<string, DiscoveredWorker>();
    const rejected = new Rejected();
    let { key } = this.#range;
    let position: Position | undefined;
    let [read, bytes] = [0, 0];
    for (let more = true; more;) {
      const page = await member.kv.range(
        { ...this.#range, key, limit: BigInt(PAGE), revision: position?.revision ?? 0n },
        { signal, ...CALL },
      );
      position ??= positionOf(page.header);
      read += page.kvs.length;
      for (const { value } of page.kvs) bytes += value.length;
      // Also where a member lists the same keys without end.
      if (read > MAX_ENTRIES || bytes > MAX_CHARACTERS) {
        throw new Error(
          `etcd lists more than ${MAX_ENTRIES} keys or ${MAX_CHARACTERS} bytes; ` +
            "those that were known stay in use",
        );
      }
      for (const entry of page.kvs) {
        const worker = this.#read(entry, rejected);
        if (worker !== undefined) entries.set(text(entry.key), worker);
        key = new Uint8Array([...entry.key, 0]);
      }
      more = page.more && page.kvs.length > 0;
    }
    const changes = this.#known.replace(entries);
    this.#position = position;
    return [...changes, ...rejected.changes()];
  }

  async *#follow(
    member: EtcdMember,
    signal: AbortSignal,
  ): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
    const stop = new AbortController();
    const silence = () => stop.abort(new Error("etcd has not begun the watch in time"));
    using silent = this.#options.clock.schedule(silence, BEGIN_MS, { background: true });
    const startRevision = this.#position!.revision + 1n;
    const create = { ...this.#range, startRevision, progressNotify: true };
    const responses = member.watch.watch(
      once({ requestUnion: { case: "createRequest", value: create } }, stop.signal),
      { signal: AbortSignal.any([signal, stop.signal]), ...STREAM },
    );
    try {
      for await (const response of responses) {
        silent[Symbol.dispose]();
        if (response.canceled) {
          // What was asked for is compacted: all is read anew.
          if (response.compactRevision !== 0n) return this.#forget();
          throw new Error(`etcd has ended the watch: ${escapePeerText(response.cancelReason)}`);
        }
        const { changes, failure } = this.#take(response.events);
        if (failure === undefined) this.#position = followedTo(response, this.#position!);
        else this.#forget();
        yield changes;
        if (failure !== undefined) throw failure;
      }
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error;
    } finally {
      stop.abort();
    }
    throw new Error("etcd has ended the watch");
  }

  #forget(): void {
    this.#position = undefined;
  }

  /**
   * Takes in the events of one response. Where one cannot be held the others are not taken in, and all is to be read
   * anew: what is deleted later makes room.
   */
  #take(events: readonly etcd.Event[]) {
    const rejected = new Rejected();
    const changes: DiscoveryChange[] = [];
    let failure: unknown;
    try {
      for (const event of events) changes.push(...this.#apply(event, rejected));
    } catch (error) {
      failure = error;
    }
    return { changes: [...changes, ...rejected.changes()], failure };
  }

  #apply(
    { type, kv }: etcd.Event,
    rejected: Rejected,
  ): readonly DiscoveryChange[] {
    if (kv === undefined) return [];
    const key = text(kv.key);
    if (type as number === EVENT_DELETE) return this.#known.delete(key);
    const worker = this.#read(kv, rejected);
    return worker === undefined ? this.#known.delete(key) : this.#known.put(key, worker);
  }

  #read({ key, value }: etcd.KeyValue, rejected: Rejected): DiscoveredWorker | undefined {
    try {
      return readAnnouncement(text(value));
    } catch (error) {
      rejected.add(`the key ${text(key)} is no announcement: ${(error as Error).message}`);
      return undefined;
    }
  }

  get #range(): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
    return rangeOf(this.#options.prefix);
  }
}

/** The keys of one answer that hold no announcement. */
class Rejected {
  readonly #named: DiscoveryChange[] = [];
  #more = 0;

  /** One more, in a sentence. */
  add(message: string): void {
    if (this.#named.length === MAX_NAMED) this.#more += 1;
    else this.#named.push({ kind: "rejected", message: escapePeerText(message) });
  }

  changes(): readonly DiscoveryChange[] {
    if (this.#more === 0) return this.#named;
    const message = `${this.#more} more keys are no announcements`;
    return [...this.#named, { kind: "rejected", message }];
  }
}

/**
 * How far the store has been followed with a response: to its last event. A header tells how far the store is, which a
 * watch from before that reaches only with events that come later.
 */
function followedTo(
  { header, created, events }: etcd.WatchResponse,
  { revision: before }: Position,
): Position {
  const { cluster, revision } = positionOf(header);
  if (created) return { cluster, revision: before };
  const last = events.reduce((last, { kv }) => {
    const at = kv?.modRevision ?? last;
    return at > last ? at : last;
  }, before);
  return { cluster, revision: events.length === 0 ? revision : last };
}

function positionOf(header: etcd.ResponseHeader | undefined): Position {
  if (header === undefined) throw new Error("etcd has answered without a header");
  return { cluster: header.clusterId, revision: header.revision };
}

/** All keys that begin with a prefix: up to the first that does not. */
function rangeOf(prefix: string) {
  const key = bytes(prefix);
  const rangeEnd = new Uint8Array(key);
  rangeEnd[rangeEnd.length - 1]! += 1;
  return { key, rangeEnd };
}

/** One message; the stream stays open for its answers. */
async function* once<Message>(message: Message, signal: AbortSignal): AsyncGenerator<Message> {
  yield message;
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
