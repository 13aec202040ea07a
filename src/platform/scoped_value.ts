/**
 * Fast path: a value that goes with all that a function starts, set in the platform's own record of such values instead
 * of through an `AsyncLocalStorage`. There each value is a new entry of a `WeakMap`, which took 8 % of a busy worker's
 * time and lets values outlive minor collections; see `docs/performance-changes.md`. The plain path is an
 * `AsyncLocalStorage`: it stays wherever the platform's record is not known.
 *
 * Of the platform this needs what is not public: `tests/canaries/scoped_value_canary_test.ts`. It is done on the
 * releases alone that the canary has seen.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { runsOnDeno } from "./runtime.ts";

/** A value that is found by all that runs within a function, however late, and by nothing else. */
export interface ScopedValue<Value> {
  /** The value of the innermost `run` around; `undefined` outside of all. */
  get(): Value | undefined;
  /** Runs a function with this value. */
  run<Result>(value: Value, run: () => Result): Result;
}

/**
 * Makes a value that is scoped.
 *
 * @param name names it: all of the same name in a process are the same one, also of two copies of this package.
 */
export function scopedValue<Value>(name: string): ScopedValue<Value> {
  const core = knownCore();
  return core === undefined ? new StoredValue(name) : new RecordedValue(name, core);
}

/** All values that were in force somewhere. */
export interface Scope {
  /** Runs a function within it. */
  run<Result>(run: () => Result): Result;
}

/** What is in force here, for what is to run within it later; nothing where nothing is. */
export function scopeHere(): Scope | undefined {
  const core = knownCore();
  if (core === undefined) return { run: AsyncLocalStorage.snapshot() };
  const values = core.getAsyncContext();
  return values === undefined || values === null ? undefined : new RecordedScope(core, values);
}

/** The plain path. */
export class StoredValue<Value> implements ScopedValue<Value> {
  readonly #storage: AsyncLocalStorage<Value>;

  /** Shares its storage with all of the same name. */
  constructor(name: string) {
    const shared = globalThis as unknown as Record<symbol, AsyncLocalStorage<Value>>;
    this.#storage = shared[Symbol.for(name)] ??= new AsyncLocalStorage();
  }

  get(): Value | undefined {
    return this.#storage.getStore();
  }

  run<Result>(value: Value, run: () => Result): Result {
    return this.#storage.run(value, run);
  }
}

/** The values in force, by names and by numbers of the platform's own. It is replaced, never changed. */
type Values = Readonly<Record<string, unknown>>;

/** The platform's record of the values in force. */
interface Core {
  getAsyncContext(): Values | null | undefined;
  setAsyncContext(values: Values | null | undefined): void;
}

class RecordedValue<Value> implements ScopedValue<Value> {
  readonly #name: string;
  readonly #core: Core;
  readonly #Sole: new (value: Value) => Values;

  constructor(name: string, core: Core) {
    this.#name = name;
    this.#core = core;
    this.#Sole = soleValue(name);
  }

  get(): Value | undefined {
    return this.#core.getAsyncContext()?.[this.#name] as Value | undefined;
  }

  run<Result>(value: Value, run: () => Result): Result {
    const core = this.#core;
    const outer = core.getAsyncContext();
    const Sole = this.#Sole;
    const alone = outer === undefined || outer === null || outer instanceof Sole;
    core.setAsyncContext(
      alone ? new Sole(value) : { __proto__: null, ...outer as Values, [this.#name]: value },
    );
    try {
      return run();
    } finally {
      core.setAsyncContext(outer);
    }
  }
}

class RecordedScope implements Scope {
  readonly #core: Core;
  readonly #values: Values;

  constructor(core: Core, values: Values) {
    this.#core = core;
    this.#values = values;
  }

  run<Result>(run: () => Result): Result {
    const outer = this.#core.getAsyncContext();
    this.#core.setAsyncContext(this.#values);
    try {
      return run();
    } finally {
      this.#core.setAsyncContext(outer);
    }
  }
}

/** Values of which there is one. Of a class without prototype: a literal without is a dictionary, and five times as large. */
function soleValue<Value>(name: string): new (value: Value) => Values {
  class Sole {
    [name: string]: unknown;

    constructor(value: Value) {
      this[name] = value;
    }
  }
  Object.setPrototypeOf(Sole.prototype, null);
  return Sole;
}

/** The Deno releases whose record is known. */
const KNOWN_RELEASES = /^2\.9\./;

function knownCore(): Core | undefined {
  if (!runsOnDeno || !KNOWN_RELEASES.test(Deno.version.deno)) return undefined;
  const platform = Deno as unknown as Record<symbol, { core?: Partial<Core> }> & {
    readonly internal?: symbol;
  };
  if (platform.internal === undefined) return undefined;
  const core = platform[platform.internal]?.core;
  if (core?.getAsyncContext === undefined || core.setAsyncContext === undefined) return undefined;
  return core as Core;
}
