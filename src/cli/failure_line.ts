import { type CertificateSummary, escapePeerText } from "../errors/mod.ts";
import { failureOf } from "./failure.ts";
import { jsonOf } from "./json_value.ts";

/** The longest text of one detail, in characters. */
const MAX_DETAIL = 4_096;
/** Details that the first line or another detail already shows. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(["error", "message", "reason", "failures"]);
/** So deep are failures within failures shown. */
const MAX_DEPTH = 4;

/**
 * Reports why a command failed, on standard error: one JSON object a line to another program, readable lines on a
 * terminal.
 */
export function reportFailure(error: unknown): void {
  console.error(
    Deno.stderr.isTerminal() ? readableFailure(error).join("\n") : jsonOf(failureOf(error)),
  );
}

/**
 * A failure as a person reads it: what failed and why in the first line, each detail below it. What a peer made
 * comes out as text, whatever a terminal would obey.
 */
export function readableFailure(error: unknown): readonly string[] {
  return linesOf(failureOf(error), 0);
}

type Failure = Readonly<Record<string, unknown>>;

function linesOf(failure: Failure, depth: number): readonly string[] {
  const { error, reason, message } = failure;
  const name = reason === undefined ? text(error) : `${text(error)} (${text(reason)})`;
  const lines = [`${name}: ${text(message)}`];
  for (const [key, value] of Object.entries(failure)) {
    if (!SHOWN_ELSEWHERE.has(key)) lines.push(...detail(key, value, text(message)));
  }
  const inner = failure["failures"];
  if (Array.isArray(inner) && depth < MAX_DEPTH) {
    for (const one of inner as readonly Failure[]) lines.push(...indented(linesOf(one, depth + 1)));
  }
  return lines;
}

/** A detail with members of its own has one line for each that the message does not hold already. */
function detail(key: string, value: unknown, message: string): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`  ${text(key)}: ${text(value)}`];
  }
  const members = Object.entries(value).filter(([, member]) =>
    member !== undefined && !(typeof member === "string" && message.includes(text(member)))
  );
  if (members.length === 0) return [];
  return [
    `  ${text(key)}:`,
    ...members.map(([name, member]) => `    ${text(name)}: ${text(member)}`),
  ];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

function text(value: unknown): string {
  return escapePeerText(textOf(value), MAX_DETAIL);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (isTexts(value)) return value.join(", ");
  return isCertificate(value) ? certificateText(value) : jsonOf(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}

type Shown = Pick<CertificateSummary, "subject" | "names" | "notBefore" | "notAfter">;

function isCertificate(value: unknown): value is Shown {
  if (typeof value !== "object" || value === null) return false;
  return "subject" in value && "notBefore" in value && "notAfter" in value &&
    "names" in value && Array.isArray(value.names);
}

/** What a person tells certificates apart by; other programs get all of it. */
function certificateText({ subject, names, notBefore, notAfter }: Shown): string {
  const dates = `from ${textOf(notBefore)} to ${textOf(notAfter)}`;
  return [textOf(subject), ...names.map(textOf), dates].join(", ");
}
