import { Command } from "commander";
import { namingFile, unusable } from "../../errors/mod.ts";
import { namedPeer } from "../../identity/mod.ts";
import {
  type Claims,
  type CompiledPolicy,
  parseJsonc,
  parsePolicy,
  type PolicyExplanation,
  type PolicySubject,
} from "../../policy/mod.ts";
import { ExitCode } from "../exit_code.ts";
import { readText } from "../files.ts";
import { flag, listFlag } from "../flag.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { type PolicyCase, readCases } from "./policy_cases.ts";
import { present } from "../../values/mod.ts";

/** `selvage policy`: what a policy file decides, and why. */
export function policyCommand(): Command {
  const policy = new Command("policy").description("what a policy file decides, and why");
  policy.command("check").description("explain which rule decides about a call")
    .argument("<FILE>", "the policy: JSON with comments")
    .argument("<ROUTINE>", "a routine's name, or a method as package.Service/Method")
    .addOption(
      flag("--as <ID>", 'who calls: a name as patterns write it, or "anonymous"')
        .makeOptionMandatory(),
    )
    .addOption(flag("--claims <FILE>", "what the caller's verified token claims, a JSON object"))
    .addOption(listFlag("--tag <TAG>", "a tag that the call asks for; may be given again"))
    .addOption(jsonFlag())
    .addHelpText("after", CHECK_EXAMPLES)
    .action(check);
  policy.command("test").description("check a table of calls and what must become of each")
    .argument("<FILE>", "the policy: JSON with comments")
    .argument(
      "<CASES>",
      'JSON with comments: a list of { "as", "routine", "claims", "tags", "expect", "rule" }',
    )
    .addOption(jsonFlag())
    .addHelpText("after", TEST_EXAMPLES)
    .action(test);
  return policy;
}

const CHECK_EXAMPLES = `
Examples:
  selvage policy check policy.jsonc math.add --as spiffe://example.org/client/a
  selvage policy check policy.jsonc acme.v1.Echo/Say --as anonymous
  selvage policy check policy.jsonc math.add --as spiffe://example.org/client/a \\
    --claims claims.json --tag gpu
`;

const TEST_EXAMPLES = `
Examples:
  selvage policy test policy.jsonc cases.jsonc

A file of cases:
  [
    { "as": "spiffe://example.org/client/a", "routine": "math.add", "expect": "allow" },
    { "as": "anonymous", "routine": "math.add", "expect": "deny", "rule": "default" },
  ]
`;

interface CheckFlags extends ResultFlags {
  readonly as: string;
  readonly claims?: string;
  readonly tag?: readonly string[];
}

async function check(file: string, routine: string, flags: CheckFlags): Promise<void> {
  const policy = await readPolicyFile(file);
  const claims = flags.claims === undefined ? undefined : await readClaims(flags.claims);
  const explained = policy.explain(
    subjectOf(flags.as, claims),
    { name: routine, tags: flags.tag ?? [] },
  );
  const { allowed, ...why } = explained;
  const decision = wordOf(allowed);
  printResult(flags, () => decisionLines(explained), [{ decision, ...why }]);
  if (!allowed) Deno.exitCode = ExitCode.access;
}

async function test(file: string, casesFile: string, flags: ResultFlags): Promise<void> {
  const policy = await readPolicyFile(file);
  const cases = readCases(await readText(casesFile, "name a file of cases", "CASES"), casesFile);
  let failed = 0;
  for (const [index, one] of cases.entries()) {
    const found = policy.explain(
      subjectOf(one.as, one.claims),
      { name: one.routine, tags: one.tags },
    );
    if (isAsExpected(one, found)) continue;
    failed += 1;
    const { as, routine, expect, rule } = one;
    const expected = { decision: expect, ...present({ rule }) };
    const line = { case: index + 1, as, routine, expected };
    const decided = { decision: wordOf(found.allowed), rule: found.rule };
    printResult(flags, () => [
      `case ${index + 1}: ${as} calls ${routine}, expected ${[expect, rule].join(" ").trim()}`,
      ...decisionLines(found),
    ], [{ ...line, found: decided, passed: found.passed }]);
  }
  const total = cases.length;
  printResult(flags, () => [`${total} cases, ${failed} failed`], [{ cases: total, failed }]);
  if (failed > 0) Deno.exitCode = ExitCode.access;
}

/** Which rule decides, and why those before it do not, as a person reads it. */
export function decisionLines(
  { allowed, rule, matched, passed }: PolicyExplanation,
): readonly string[] {
  const by = Object.entries(matched).map(([part, text]) => `${part} ${text}`).join(", ");
  return [
    `${wordOf(allowed)} by ${rule}${by === "" ? "" : ` (${by})`}`,
    ...passed.map(({ rule, mismatched }) => `  ${rule} does not match: ${mismatched.join(", ")}`),
  ];
}

function isAsExpected({ expect, rule }: PolicyCase, found: PolicyExplanation): boolean {
  return expect === wordOf(found.allowed) && (rule === undefined || rule === found.rule);
}

function wordOf(allowed: boolean): "allow" | "deny" {
  return allowed ? "allow" : "deny";
}

/** Whether the worker verifies tokens is not known here, so rules may ask for claims. */
async function readPolicyFile(file: string): Promise<CompiledPolicy> {
  const text = await readText(file, "name a policy file", "FILE");
  return namingFile("policy", file, () => parsePolicy(text, { claims: true }));
}

async function readClaims(file: string): Promise<Claims> {
  const text = await readText(file, "name a file that holds a JSON object of claims", "--claims");
  const claims = parseJsonc(text, file, "--claims");
  if (typeof claims === "object" && claims !== null && !Array.isArray(claims)) {
    return claims as Claims;
  }
  throw unusable("--claims", `${file} must hold a JSON object of claims`);
}

function subjectOf(as: string, claims: Claims | undefined): PolicySubject {
  return { identity: as === "anonymous" ? undefined : namedPeer(as, "--as"), claims };
}
