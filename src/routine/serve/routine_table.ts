import { type AnyRoutine, isRoutine, type RoutineOptions } from "../../contract/mod.ts";
import {
  type ConfigurationError,
  insistOnNames,
  nearestName,
  type OptionNames,
  UnknownRoutine,
  unusable,
} from "../../errors/mod.ts";

/** Where routines come from. */
export interface RoutineSource {
  /** What to call it in an error: a module's specifier, or the name of an option. */
  readonly origin: string;
  /** A module's exports, or any object; what is no routine in it is passed over. */
  readonly exports: Readonly<Record<string, unknown>>;
}

/** What a worker's description says of one routine. */
export interface RoutineFacts {
  /** The name it is called by. */
  readonly name: string;
  /** The version it was declared with, where it was. */
  readonly version?: string;
  /** How it answers. */
  readonly shape: AnyRoutine["shape"];
  /** Whether it may be tried again after a connection was lost. */
  readonly idempotent: boolean;
}

/** The routines that a worker serves, by name. */
export class RoutineTable {
  readonly #routines: ReadonlyMap<string, AnyRoutine>;

  /**
   * Gathers the routines of some modules.
   *
   * @throws {ConfigurationError} If two routines have one name, one has no implementation, or one an option of a
   *   name that nothing reads: a schema under it would check nothing.
   */
  constructor(sources: Iterable<RoutineSource>) {
    this.#routines = gather(sources);
  }

  /** How many there are. */
  get size(): number {
    return this.#routines.size;
  }

  /** Finds a routine; nothing where there is none of that name. */
  find(name: string): AnyRoutine | undefined {
    return this.#routines.get(name);
  }

  /**
   * Finds a routine that must be there.
   *
   * @throws {UnknownRoutine} If no routine has that name; the error names the nearest one.
   */
  get(name: string): AnyRoutine {
    const routine = this.#routines.get(name);
    if (routine !== undefined) return routine;
    throw new UnknownRoutine(name, nearestName(name, this.#routines.keys()));
  }

  /** What there is to tell of each, by name. */
  describe(): RoutineFacts[] {
    return [...this.#routines.values()].map(({ name, shape, options }) => ({
      name,
      ...(options.version === undefined ? {} : { version: options.version }),
      shape,
      idempotent: options.idempotent === true,
    })).sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

interface Found {
  readonly routine: AnyRoutine;
  /** The name it is exported by. */
  readonly key: string;
  /** For a person: where it was found. */
  readonly where: string;
}

const ROUTINE_NAMES = {
  input: true,
  run: true,
  idempotent: true,
  version: true,
} satisfies OptionNames<RoutineOptions>;

function gather(sources: Iterable<RoutineSource>): Map<string, AnyRoutine> {
  const served = new Map<string, Found>();
  const contracts: Found[] = [];
  for (const { origin, exports } of sources) {
    for (const [key, routine] of Object.entries(exports)) {
      if (!isRoutine(routine)) continue;
      const { name, options } = routine;
      insistOnNames(`the routine "${name}"`, options, ROUTINE_NAMES, name);
      const found = { routine, key, where: `${origin} (${key})` };
      if (routine.implementation === undefined) contracts.push(found);
      else add(served, found);
    }
  }
  for (const contract of contracts) {
    if (!served.has(contract.routine.name)) throw notImplemented(contract);
  }
  return new Map([...served].map(([name, { routine }]) => [name, routine]));
}

/** One routine may be exported twice, under two names or by two modules. */
function add(served: Map<string, Found>, found: Found): void {
  const { name, implementation } = found.routine;
  const earlier = served.get(name);
  if (earlier === undefined) served.set(name, found);
  else if (earlier.routine.implementation !== implementation) {
    throw unusable(
      "modules",
      `two routines are named "${name}": one in ${earlier.where}, one in ${found.where}`,
    );
  }
}

function notImplemented({ routine: { name }, key, where }: Found): ConfigurationError {
  const given = /^\d+$/.test(key) ? "the contract" : key;
  return unusable(
    "modules",
    `${where} is the contract of "${name}", and nothing implements it: serve ` +
      `implement(${given}, …) too`,
  );
}
