import process from "node:process";

/** So many keys are cheap whatever they are: the time that they take is not looked at. */
const FREE_KEYS = 1_024;
/** After so many further keys the time is looked at again; reading the clock costs up to 10 µs. */
const KEYS_A_CHECK = 512;
/** What the keys of one payload may cost besides what its bytes may, in milliseconds of CPU time. */
const BASE_MS = 100;
/** What a byte may cost, in milliseconds: four times what an ordinary map of numbers does. */
const MS_A_BYTE = 0.0005;

/**
 * Limits what the keys of maps and the members of sets cost: a sender chooses them, and the tables are
 * the platform's. The CPU time of this thread is compared, so that a busy machine refuses nothing.
 */
export class KeyCost {
  readonly #cpuMs: () => number;
  #keys = 0;
  #from: { readonly ms: number; readonly at: number } | undefined;

  /** @param cpuMs the CPU time that the thread has used. Default: the platform's count. */
  constructor(cpuMs: () => number = threadCpuMs) {
    this.#cpuMs = cpuMs;
  }

  /**
   * One more key was added to a table.
   *
   * @param at how many bytes of the payload have been read.
   * @returns whether the payload has taken more time than it may.
   */
  exceeded(key: unknown, at: number): boolean {
    if (!isCounted(key)) return false;
    if (++this.#keys < FREE_KEYS || this.#keys % KEYS_A_CHECK !== 0) return false;
    const ms = this.#cpuMs();
    this.#from ??= { ms, at };
    return ms - this.#from.ms > BASE_MS + (at - this.#from.at) * MS_A_BYTE;
  }
}

/** The longest text that names an index of an array. Other texts cost the same in any order and number. */
const INDEX_DIGITS = 10;

function isCounted(key: unknown): boolean {
  if (typeof key === "number" || typeof key === "bigint") return true;
  if (typeof key !== "string" || key.length > INDEX_DIGITS) return false;
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
