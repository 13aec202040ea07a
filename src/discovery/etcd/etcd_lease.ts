import { escapePeerText } from "../../errors/mod.ts";
import * as etcd from "../../gen/etcd/mod.ts";
import { pause } from "../../observe/mod.ts";
import type { Announcement, AnnouncementLease, AnnounceOptions } from "../announcement.ts";
import { announcementText } from "../announcement_text.ts";
import type { EtcdMember, EtcdRegistry } from "./etcd_client.ts";
import { Retries } from "../retries.ts";
import { CALL, STREAM } from "./etcd_calls.ts";

/** Below this a change of leader ends the lease; etcd 3.6 refuses calls for 7 s while it shuts down. */
const SHORTEST_LEASE_S = 15;

/** How long withdrawing may take; a lease that cannot be ended ends by itself. */
const WITHDRAW_MS = 2_000;

/** The key is written by another at the same moment: read again, and written again, so often. */
const MAX_WRITES = 5;

/** One announcement: a key under a lease of its own, which is kept alive, and made again where it is lost. */
export class EtcdLease implements AnnouncementLease {
  readonly #options: EtcdRegistry;
  readonly #onFailure: (message: string) => void;
  readonly #leaseS: number;
  readonly #over = new AbortController();
  #announcement: Announcement;
  #lease = 0n;
  /** The time that etcd granted, in milliseconds. */
  #ttlMs = 0;
  /** Whether the key has been written under that lease. */
  #announced = false;
  #kept: Promise<void> | undefined;

  private constructor(
    options: EtcdRegistry,
    announcement: Announcement,
    { leaseMs = SHORTEST_LEASE_S * 1_000, onFailure = () => {} }: AnnounceOptions,
  ) {
    this.#options = options;
    this.#announcement = announcement;
    this.#leaseS = Math.max(SHORTEST_LEASE_S, Math.ceil(leaseMs / 1_000));
    this.#onFailure = onFailure;
  }

  /**
   * Announces, and keeps the announcement alive.
   *
   * @throws {Error} If the first announcement cannot be made.
   */
  static async announce(
    options: EtcdRegistry,
    announcement: Announcement,
    announce: AnnounceOptions,
  ): Promise<EtcdLease> {
    const lease = new EtcdLease(options, announcement, announce);
    const member = await options.client.member(announce.signal);
    await lease.#begin(member, announce.signal);
    lease.#kept = lease.#keep();
    return lease;
  }

  /** Replaces the announcement under the same lease. */
  async update(announcement: Announcement): Promise<void> {
    this.#announcement = { ...announcement, id: this.#announcement.id };
    const signal = this.#over.signal;
    await this.#write(await this.#options.client.member(signal), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { client } = this.#options;
    this.#over.abort();
    await this.#kept;
    try {
      const signal = AbortSignal.timeout(WITHDRAW_MS);
      const member = await client.member(signal);
      await member.lease.leaseRevoke({ ID: this.#lease }, { signal });
    } catch {
      // The key vanishes with its lease.
    }
    await client[Symbol.asyncDispose]();
  }

  /** A lease, and the key under it. */
  async #begin(member: EtcdMember, signal: AbortSignal): Promise<void> {
    const { ID, TTL, error } = await member.lease
      .leaseGrant({ TTL: BigInt(this.#leaseS) }, { signal, ...CALL });
    if (error !== "") throw new Error(`etcd grants no lease: ${escapePeerText(error)}`);
    this.#lease = ID;
    this.#ttlMs = Number(TTL) * 1_000;
    await this.#write(member, signal);
    this.#announced = true;
  }

  /**
   * Writes the key where nobody has written it since it was read. A write that failed may be done by etcd
   * later, even over a newer one: this comparison is what prevents it.
   */
  async #write({ kv }: EtcdMember, signal: AbortSignal): Promise<void> {
    const { prefix } = this.#options;
    const key = new TextEncoder().encode(prefix + this.#announcement.id);
    const value = new TextEncoder().encode(announcementText(this.#announcement));
    const options = { signal, ...CALL };
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      const { kvs: [known] } = await kv.range({ key, limit: 1n }, options);
      const { succeeded } = await kv.txn({
        compare: [{
          result: etcd.Compare_CompareResult.EQUAL,
          target: etcd.Compare_CompareTarget.MOD,
          key,
          targetUnion: { case: "modRevision", value: known?.modRevision ?? 0n },
        }],
        success: [{
          request: { case: "requestPut", value: { key, value, lease: this.#lease } },
        }],
      }, options);
      if (succeeded) return;
    }
    throw new Error(`another one writes the key of worker ${this.#announcement.id}, too`);
  }

  async #keep(): Promise<void> {
    const { client, clock } = this.#options;
    const { signal } = this.#over;
    const retries = new Retries(clock);
    while (!signal.aborted) {
      let member: EtcdMember | undefined;
      try {
        member = await client.member(signal);
        // A lease without its key is worth nothing: another one is asked for, and the key is written under that.
        if (this.#announced) await this.#keepOn(member, () => retries.succeeded());
        this.#announced = false;
        if (!signal.aborted) await this.#begin(member, signal);
        // The member stays; one that grants leases and loses them at once is not asked without a pause.
        member = undefined;
      } catch (error) {
        if (signal.aborted) return;
        if (retries.failed()) this.#onFailure((error as Error).message);
      }
      if (member !== undefined) client.leave(member);
      await pause(clock, retries.waitMs(), signal);
    }
  }

  /** Keeps the lease alive on one stream; ends where etcd no longer knows the lease. */
  async #keepOn({ lease }: EtcdMember, onAlive: () => void): Promise<void> {
    const { clock } = this.#options;
    const silent = new AbortController();
    const stop = AbortSignal.any([this.#over.signal, silent.signal]);
    let timer: Disposable | undefined;
    const patient = () => {
      timer?.[Symbol.dispose]();
      const late = () => silent.abort(new Error("etcd has not kept the lease alive in time"));
      timer = clock.schedule(late, this.#ttlMs / 2, { background: true });
    };
    patient();
    try {
      for await (
        const { TTL } of lease.leaseKeepAlive(this.#beats(stop), { signal: stop, ...STREAM })
      ) {
        if (TTL <= 0n) return;
        onAlive();
        patient();
      }
      throw new Error("etcd has ended the stream that keeps the lease alive");
    } catch (error) {
      throw silent.signal.aborted ? silent.signal.reason : error;
    } finally {
      timer?.[Symbol.dispose]();
      silent.abort();
    }
  }

  async *#beats(signal: AbortSignal): AsyncGenerator<{ readonly ID: bigint }> {
    while (!signal.aborted) {
      yield { ID: this.#lease };
      await pause(this.#options.clock, this.#ttlMs / 3, signal);
    }
  }
}
