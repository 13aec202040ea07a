import type { Clock } from "../../observe/mod.ts";
import type { NameServer } from "./exchange.ts";
import type { DnsRecord, RecordType } from "./message.ts";
import { sameName } from "./record_names.ts";

/** What a name server says of a name: records, or that there are none. */
export interface Resolved<Type extends RecordType = RecordType> {
  readonly records: readonly (DnsRecord & { readonly type: Type })[];
  /** The shortest time that the records hold, in seconds; absent where there are none. */
  readonly ttl?: number;
  /** Why there are none. */
  readonly none?: "no such name" | "no such record";
}

/** What asking takes. */
export interface ResolverOptions {
  /** Asked in this order, until one answers. */
  readonly servers: readonly NameServer[];
  readonly clock: Clock;
  /** How long each server may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** A UDP datagram may be lost: every server is asked so often. */
const ROUNDS = 2;

/** Aliases in a row that are followed. */
const MAX_ALIASES = 8;

/** Asks name servers, and distinguishes a name that does not exist from a server that fails. */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /**
   * Looks up the records of one type, through aliases (CNAME).
   *
   * @throws {Error} If no server gave an answer: none was reached, or each is ill.
   */
  async resolve<Type extends RecordType>(
    name: string,
    type: Type,
    signal: AbortSignal,
  ): Promise<Resolved<Type>> {
    let ttl = Infinity;
    let asked = name;
    for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
      const { code, answers } = await this.#ask(asked, type, signal);
      if (code === "NXDOMAIN") return { records: [], none: "no such name" };
      const followed = follow(asked, answers);
      ttl = Math.min(ttl, followed.ttl);
      const records = answers.filter((record): record is DnsRecord & { readonly type: Type } =>
        record.type === type && sameName(record.name, followed.name)
      );
      if (records.length > 0) {
        return { records, ttl: Math.min(ttl, ...records.map(({ ttl }) => ttl)) };
      }
      if (sameName(followed.name, asked)) return { records: [], none: "no such record" };
      asked = followed.name;
    }
    throw new Error(`${name} has more than ${MAX_ALIASES} aliases in a row`);
  }

  async #ask(name: string, type: RecordType, signal: AbortSignal) {
    const { servers, clock, timeoutMs } = this.#options;
    // Loaded only now, with UDP and the messages: a process that asks no name server does without.
    const { askServer } = await import("./exchange.ts");
    let failure = new Error("no name server is configured");
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        try {
          const response = await askServer({ server, name, type, timeoutMs, signal, clock });
          const { code } = response;
          if (code === "NOERROR" || code === "NXDOMAIN") return response;
          failure = new Error(`name server ${server.host} port ${server.port} answered ${code}`);
        } catch (error) {
          signal.throwIfAborted();
          failure = error as Error;
        }
      }
    }
    throw failure;
  }
}

/** The name at the end of the aliases that an answer holds, and how long those hold. */
function follow(name: string, answers: readonly DnsRecord[]): { name: string; ttl: number } {
  let ttl = Infinity;
  for (let aliases = 0; aliases < MAX_ALIASES; aliases++) {
    const alias = answers.find((record) => record.type === "CNAME" && sameName(record.name, name));
    if (alias?.type !== "CNAME") break;
    name = alias.data;
    ttl = Math.min(ttl, alias.ttl);
  }
  return { name, ttl };
}
