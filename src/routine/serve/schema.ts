import type { AnyRoutine, SchemaIssue, SchemaResult, StandardSchema } from "../../contract/mod.ts";
import { InvalidPayload } from "../../errors/mod.ts";
import { routineError } from "../failure/thrown.ts";

/** How many issues of a schema are reported. */
const ISSUES_SHOWN = 3;

/**
 * What the routine is to be given for a call's arguments, checked against its schema where it has one: a routine with a
 * schema takes exactly one argument.
 *
 * @throws {InvalidPayload} If the argument does not fit; `path` says which part of it.
 * @throws {RoutineError} What the schema threw.
 */
export async function checkedArguments(
  routine: AnyRoutine,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  const schema = routine.options.input;
  if (schema === undefined) return args;
  if (args.length !== 1) {
    throw new InvalidPayload(`${routine.name} takes one argument, not ${args.length}`, {
      path: "arguments",
    });
  }
  const result = await validated(routine.name, schema, args[0]);
  if (result instanceof InvalidPayload) throw result;
  return result;
}

/** What the schema makes of a value, or what it finds wrong with it. */
async function validated(
  routine: string,
  schema: StandardSchema,
  value: unknown,
): Promise<readonly unknown[] | InvalidPayload> {
  try {
    const result: SchemaResult<unknown> = await schema["~standard"].validate(value);
    return result.issues === undefined ? [result.value] : misfit(result.issues);
  } catch (thrown) {
    throw routineError(routine, thrown);
  }
}

function misfit(issues: readonly SchemaIssue[]): InvalidPayload {
  const shown = issues.slice(0, ISSUES_SHOWN).map((issue) => `${pathOf(issue)}: ${issue.message}`);
  if (issues.length > shown.length) shown.push(`and ${issues.length - shown.length} more`);
  const [first = { message: "" }] = issues;
  return new InvalidPayload(`the argument does not fit: ${shown.join("; ")}`, {
    path: pathOf(first),
  });
}

function pathOf({ path = [] }: SchemaIssue): string {
  const steps = path.map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "number" ? `[${key}]` : `.${String(key)}`;
  });
  return `arguments[0]${steps.join("")}`;
}
