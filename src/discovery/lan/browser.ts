import { isIPv4, isIPv6 } from "node:net";
import { isLocal, parseAddress } from "../../channel/mod.ts";
import { escapePeerText } from "../../errors/mod.ts";
import type { DiscoveredWorker } from "../discovery.ts";
import type { LanMessage, LanQuestion, LanRecord } from "./message.ts";
import { encodeQuery } from "./message.ts";
import type { LanNames } from "./names.ts";
import { readText } from "./text_record.ts";
import { plainName, sameName } from "../dns/record_names.ts";

/** More workers than this are not kept. */
const MAX_WORKERS = 1_024;

/** More addresses of one host are not kept. */
const MAX_ADDRESSES = 8;

/** Longer than this no record holds, whatever it says, in milliseconds: a worker that died says nothing. */
const LONGEST_LIFE_MS = 120_000;

/** A name and its labels, as they are sent (RFC 1035 §2.3.4). */
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;

/** At this part of its life a record is asked for again (RFC 6762 §5.2). */
const ASK_AGAIN_AT = 0.8;

/** Known answers, and further questions, that fit into one query. */
const MAX_KNOWN = 20;
const MAX_QUESTIONS = 10;

/** A name's last label by which resolvers take the whole for an IPv4 address, in any of its old forms. */
const NUMERIC = /(^|\.)(\d+|0x[0-9a-f]*)$/;

const UNUSABLE = "none of its addresses can be dialled from here";

/** A worker as the records heard describe it. */
interface Instance {
  readonly name: string;
  heardAt: number;
  lifeMs: number;
  server?: { readonly target: string; readonly port: number };
  text?: readonly Uint8Array[];
}

/** What was heard of a fleet. */
export interface Heard {
  /** The workers, by their instance names. */
  readonly workers: ReadonlyMap<string, DiscoveredWorker>;
  /** Why others are not used, one sentence each. */
  readonly rejected: readonly string[];
}

/** Keeps what records on the network say of a fleet's workers, for as long as they hold. */
export class Browser {
  readonly #names: LanNames;
  readonly #loopback: boolean;
  readonly #instances = new Map<string, Instance>();
  /** Addresses by host, in the order in which they were heard first. */
  readonly #hosts = new Map<string, Set<string>>();
  #full = false;

  /** @param loopback Whether addresses of this machine may be announced: where loopback itself is the network. */
  constructor(names: LanNames, loopback: boolean) {
    this.#names = names;
    this.#loopback = loopback;
  }

  /** Takes in the records of a response. @returns whether they say anything of the fleet. */
  hear({ kind, records }: LanMessage, now: number): boolean {
    if (kind !== "response") return false;
    let heard = false;
    for (const record of records) heard = this.#hearPointer(record, now) || heard;
    for (const record of records) heard = this.#hearInstance(record) || heard;
    const targets = this.#targets();
    for (const record of records) heard = this.#hearHost(record, targets) || heard;
    return heard;
  }

  /** What holds now; the rest is forgotten. */
  heard(now: number): Heard {
    for (const [key, { heardAt, lifeMs }] of this.#instances) {
      if (now >= heardAt + lifeMs) this.#instances.delete(key);
    }
    if (this.#instances.size < MAX_WORKERS) this.#full = false;
    const targets = this.#targets();
    for (const host of this.#hosts.keys()) if (!targets.has(host)) this.#hosts.delete(host);
    const workers = new Map<string, DiscoveredWorker>();
    const rejected = this.#full
      ? [`more than ${MAX_WORKERS} workers are announced; the others are not used`]
      : [];
    for (const [key, instance] of this.#instances) {
      try {
        const worker = this.#worker(instance);
        if (worker !== undefined) workers.set(key, worker);
      } catch (error) {
        rejected.push(
          escapePeerText(`${instance.name} is no announcement: ${(error as Error).message}`),
        );
      }
    }
    return { workers, rejected };
  }

  /** Asks for the fleet's workers, and for what is missing of those that are known. */
  query(now: number): Uint8Array {
    const known: LanRecord[] = [];
    const missing: LanQuestion[] = [];
    for (const { name, heardAt, lifeMs, server, text } of this.#instances.values()) {
      const left = heardAt + lifeMs - now;
      // RFC 6762 §7.1: with less than half of its life left it is asked for.
      if (left > lifeMs / 2 && known.length < MAX_KNOWN && server !== undefined) {
        known.push({
          name: this.#names.fleet,
          type: "PTR",
          ttl: Math.ceil(left / 1_000),
          data: name,
        });
      }
      if (missing.length >= MAX_QUESTIONS) continue;
      if (server === undefined || text === undefined) missing.push({ name, type: "ANY" });
      else if (isLocalHost(server.target) && !this.#hosts.has(plainName(server.target))) {
        missing.push({ name: server.target, type: "A" }, { name: server.target, type: "AAAA" });
      }
    }
    return encodeQuery([{ name: this.#names.fleet, type: "PTR" }, ...missing], known);
  }

  /** When one that is known is to be asked for again, and when it is forgotten: the earliest such time. */
  nextDue(now: number): number {
    let due = Infinity;
    for (const { heardAt, lifeMs } of this.#instances.values()) {
      for (const at of [heardAt + lifeMs * ASK_AGAIN_AT, heardAt + lifeMs]) {
        if (at > now) due = Math.min(due, at);
      }
    }
    return due;
  }

  /** Whether something is missing of a worker that is known. */
  get isIncomplete(): boolean {
    return [...this.#instances.values()].some(({ server, text }) =>
      server === undefined || text === undefined ||
      isLocalHost(server.target) && !this.#hosts.has(plainName(server.target))
    );
  }

  #hearPointer(record: LanRecord, now: number): boolean {
    const { fleet, service } = this.#names;
    if (record.type !== "PTR" || !sameName(record.name, fleet)) return false;
    const key = plainName(record.data);
    if (!key.endsWith(`.${service}`) || !isAskable(record.data)) return false;
    // A worker that leaves says so (RFC 6762 §10.1).
    if (record.ttl === 0) return this.#instances.delete(key);
    const lifeMs = Math.min(record.ttl * 1_000, LONGEST_LIFE_MS);
    const instance = this.#instances.get(key);
    if (instance !== undefined) [instance.heardAt, instance.lifeMs] = [now, lifeMs];
    else if (this.#instances.size >= MAX_WORKERS) this.#full = true;
    else this.#instances.set(key, { name: record.data, heardAt: now, lifeMs });
    return true;
  }

  #hearInstance(record: LanRecord): boolean {
    if (record.type !== "SRV" && record.type !== "TXT") return false;
    const key = plainName(record.name);
    const instance = this.#instances.get(key);
    if (instance === undefined) return false;
    if (record.ttl === 0) this.#instances.delete(key);
    else if (record.type === "SRV") {
      if (!isAskable(record.data.target)) return false;
      instance.server = record.data;
    } // The decoder's bytes are a part of the whole message.
    else instance.text = record.data.map((text) => new Uint8Array(text));
    return true;
  }

  /** The hosts that workers are on. */
  #targets(): ReadonlySet<string> {
    return new Set(
      [...this.#instances.values()].flatMap(({ server }) =>
        server === undefined ? [] : [plainName(server.target)]
      ),
    );
  }

  #hearHost(record: LanRecord, targets: ReadonlySet<string>): boolean {
    if (record.type !== "A" && record.type !== "AAAA") return false;
    const host = plainName(record.name);
    if (!targets.has(host)) return false;
    const addresses = this.#hosts.get(host) ?? new Set();
    if (record.ttl === 0) addresses.delete(record.data);
    else {
      // Of a record that replaces the others, one network may hear several (RFC 6762 §10.2).
      if (record.flush === true && addresses.size >= MAX_ADDRESSES) addresses.clear();
      if (addresses.size < MAX_ADDRESSES) addresses.add(record.data);
    }
    if (addresses.size === 0) this.#hosts.delete(host);
    else this.#hosts.set(host, addresses);
    return true;
  }

  /** The worker, once enough of it is known. */
  #worker({ server, text }: Instance): DiscoveredWorker | undefined {
    if (server === undefined || text === undefined) return undefined;
    const { target, port } = server;
    if (!(port > 0)) throw new Error("its port is 0");
    if (!isLocalHost(target)) {
      const host = plainName(target);
      const worker = readText(text, `${host}:${port}`);
      if (!this.#loopback && isLocal(parseAddress(worker.address))) throw new Error(UNUSABLE);
      // Resolvers take more for an IPv4 address than has its form, and all below localhost for loopback.
      const isOdd = NUMERIC.test(host) && !(isIPv4(host) && this.#isUsable(host));
      if (isOdd || host.endsWith(".localhost")) throw new Error(UNUSABLE);
      return worker;
    }
    const addresses = this.#hosts.get(plainName(target));
    if (addresses === undefined) return undefined;
    const usable = [...addresses].filter((address) => this.#isUsable(address));
    const best = usable.find(isIPv4) ?? usable[0];
    if (best === undefined) throw new Error(UNUSABLE);
    return readText(text, isIPv4(best) ? `${best}:${port}` : `[${best}]:${port}`);
  }

  /** Link-local IPv6 lacks its zone, and loopback is another machine's own. */
  #isUsable(address: string): boolean {
    if (isIPv4(address)) {
      if (address.startsWith("127.")) return this.#loopback;
      const first = Number(address.split(".")[0]);
      return first > 0 && first < 224;
    }
    return isIPv6(address) && !/^(fe[89ab]|ff|::)/i.test(address);
  }
}

/** Whether a name that was heard can be written into a question (RFC 1035 §2.3.4). */
function isAskable(name: string): boolean {
  const lengths = name.replace(/\.$/, "").split(".").map((label) =>
    new TextEncoder().encode(label).length
  );
  return lengths.every((length) => length > 0 && length <= MAX_LABEL_BYTES) &&
    lengths.reduce((sum, length) => sum + 1 + length, 1) <= MAX_NAME_BYTES;
}

function isLocalHost(target: string): boolean {
  return plainName(target).endsWith(".local");
}
