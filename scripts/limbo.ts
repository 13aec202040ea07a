/**
 * Runs the cases of an x509-limbo file through the trust verdict.
 *
 * `deno run -A scripts/limbo.ts FILE [strict]` prints one JSON line a case and a summary as the last
 * line. It ends with 1 where a case differs from what is expected and is not in the tables of
 * `limbo_stricter.ts`, or is refused by another rule than the table gives.
 *
 * @module
 */
import { ConfigurationError } from "../src/errors/mod.ts";
import {
  type Certificate,
  type IdentityPattern,
  isCertificateFault,
  judgePeer,
  parsePattern,
  parsePemBundle,
  TrustAnchors,
  type Trusted,
  type VerdictMode,
} from "../src/identity/mod.ts";
import { ADVISED, STRICTER, STRICTER_WHERE_STRICT } from "./limbo_stricter.ts";

/** A peer name as the schema writes it. */
export interface LimboName {
  readonly kind: "RFC822" | "DNS" | "IP";
  readonly value: string;
}

/** A case of the schema, as far as it is looked at. */
export interface LimboCase {
  readonly id: string;
  readonly validation_kind: "SERVER" | "CLIENT";
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time?: string | null;
  readonly signature_algorithms: readonly string[];
  readonly key_usage: readonly string[];
  readonly extended_key_usage: readonly string[];
  readonly expected_result: "SUCCESS" | "FAILURE";
  readonly expected_peer_name?: LimboName | null;
  readonly expected_peer_names: readonly LimboName[];
  readonly max_chain_depth?: number | null;
  readonly crls?: readonly string[];
}

/** The result of a case: one line of the output. */
export interface LimboOutcome {
  readonly id: string;
  readonly expected: "SUCCESS" | "FAILURE";
  readonly actual: "SUCCESS" | "FAILURE";
  /** The rule that refused, and what was found; the proven name of a success. */
  readonly why: string;
  /** The rule alone; empty of a success. */
  readonly rule: string;
}

/** How an outcome stands to what was expected. */
export type LimboStanding =
  | "agrees"
  | "stricter"
  | "advised"
  | "wrong success"
  | "unlisted refusal";

/** Runs one case. */
export function runCase(limbo: LimboCase, mode: VerdictMode = "private"): LimboOutcome {
  const answer = judge(limbo, mode);
  const { id, expected_result: expected } = limbo;
  return "name" in answer ? { id, expected, actual: "SUCCESS", why: answer.name, rule: "" } : {
    id,
    expected,
    actual: "FAILURE",
    why: `${answer.rule}: ${answer.found}`,
    rule: answer.rule,
  };
}

/** Holds an outcome against what was expected and the tables of deliberate differences. */
export function standing(
  { id, expected, actual, rule }: LimboOutcome,
  mode: VerdictMode = "private",
): LimboStanding {
  if (actual === expected) {
    // What is advised otherwise is refused for that, and for nothing else.
    const advised = ADVISED[id]?.rule;
    return mode === "strict" && advised !== undefined && advised !== rule
      ? "unlisted refusal"
      : "agrees";
  }
  if (actual === "SUCCESS") {
    return mode === "private" && ADVISED[id] !== undefined ? "advised" : "wrong success";
  }
  const listed = STRICTER[id] ?? (mode === "strict" ? STRICTER_WHERE_STRICT[id] : undefined);
  return listed?.rule === rule ? "stricter" : "unlisted refusal";
}

type Answer = { readonly name: string } | { readonly rule: string; readonly found: string };

function judge(limbo: LimboCase, mode: VerdictMode): Answer {
  if ((limbo.crls ?? []).length > 0) {
    return refuse("crl.unsupported", "a revocation list is to be heeded, and we read none");
  }
  const anchors = readAll(limbo.trusted_certs);
  const chain = readAll([limbo.peer_certificate, ...limbo.untrusted_intermediates]);
  if ("rule" in anchors) return anchors;
  if ("rule" in chain) return chain;
  const expected = expectedPattern(limbo.expected_peer_name);
  if (expected === undefined) return refuse("demand.name", "the expected name is invalid");
  const role = limbo.validation_kind === "SERVER" ? "server" : "client";
  const verdict = judgePeer(chain.map(({ der }) => der), {
    role,
    mode,
    anchors: new TrustAnchors({ bundle: anchors }),
    expected: [expected],
    now: limbo.validation_time ? Date.parse(limbo.validation_time) : Date.now(),
    limits: typeof limbo.max_chain_depth === "number"
      ? { intermediates: limbo.max_chain_depth }
      : {},
  });
  if (!verdict.trusted) {
    // A case may ask for no name at all; then the path is all there is to it.
    return limbo.expected_peer_name === null && verdict.reason === "identity-mismatch"
      ? { name: "" }
      : refuse(verdict.rule, verdict.evidence.found ?? "");
  }
  return unmetDemand(limbo, verdict) ?? { name: verdict.identity.name };
}

function readAll(
  pems: readonly string[],
): readonly Certificate[] | Extract<Answer, { rule: string }> {
  const certificates: Certificate[] = [];
  for (const pem of pems) {
    const bundle = parsePemBundle(pem);
    if (isCertificateFault(bundle)) return refuse(bundle.rule, bundle.found);
    certificates.push(...bundle);
  }
  return certificates;
}

// A mailbox is asked for once the path is known to hold; a connection never expects one.
function expectedPattern(name: LimboName | null | undefined): IdentityPattern | undefined {
  const text = name === null || name === undefined || name.kind === "RFC822"
    ? "*"
    : `${name.kind.toLowerCase()}:${name.value}`;
  try {
    return parsePattern(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

const PURPOSES: Readonly<Record<string, string>> = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  OCSPSigning: "1.3.6.1.5.5.7.3.9",
};

// What a case asks beyond a peer of a role under a name, which is all that a connection asks.
function unmetDemand(limbo: LimboCase, { path, identity }: Trusted): Answer | undefined {
  const leaf = path[0]!;
  const usages: ReadonlySet<string> = leaf.extensions.keyUsage ?? new Set();
  const purposes = leaf.extensions.extendedKeyUsage?.purposes;
  const algorithms = path.slice(0, -1).map(({ signatureAlgorithm }) =>
    limboAlgorithm(signatureAlgorithm.name)
  );
  for (const usage of limbo.key_usage) {
    if (!usages.has(usage)) return refuse("demand.key-usage", `it may not be used for ${usage}`);
  }
  for (const purpose of limbo.extended_key_usage) {
    if (purposes?.has(PURPOSES[purpose] ?? "") !== true) {
      return refuse("demand.purpose", `it is not for ${purpose}`);
    }
  }
  for (const algorithm of limbo.signature_algorithms.length > 0 ? algorithms : []) {
    if (!limbo.signature_algorithms.includes(algorithm)) {
      return refuse("demand.signature-algorithm", `${algorithm} is not among those asked for`);
    }
  }
  const names = [
    ...limbo.expected_peer_names,
    ...limbo.expected_peer_name ? [limbo.expected_peer_name] : [],
  ];
  for (const { kind, value } of names) {
    if (kind === "RFC822" && !identity.names.includes(`email:${value}`)) {
      return refuse("demand.name", `it has no mailbox ${value}`);
    }
  }
  return undefined;
}

function limboAlgorithm(name: string): string {
  const [, digest] = /SHA(\d+)|sha(\d+)/.exec(name) ?? [];
  if (name === "Ed25519") return "ED25519";
  const bits = digest ?? /sha(\d+)/.exec(name)?.[1] ?? "";
  return name.startsWith("ecdsa") ? `ECDSA_WITH_SHA${bits}` : `RSA_WITH_SHA${bits}`;
}

function refuse(rule: string, found: string): { readonly rule: string; readonly found: string } {
  return { rule, found };
}

function main(file: string | undefined, mode: VerdictMode): number {
  if (file === undefined) {
    console.error("usage: deno run -A scripts/limbo.ts FILE [strict]");
    return 2;
  }
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    console.error(`${file} cannot be read: ${(error as Error).message}`);
    return 2;
  }
  const { testcases } = JSON.parse(text) as { readonly testcases: readonly LimboCase[] };
  const counts: Record<LimboStanding, number> = {
    "agrees": 0,
    "stricter": 0,
    "advised": 0,
    "wrong success": 0,
    "unlisted refusal": 0,
  };
  for (const limbo of testcases) {
    const outcome = runCase(limbo, mode);
    counts[standing(outcome, mode)]++;
    const { id, expected, actual, why } = outcome;
    console.log(JSON.stringify({ id, expected, actual, why }));
  }
  console.log(JSON.stringify({ cases: testcases.length, ...counts }));
  return counts["wrong success"] + counts["unlisted refusal"] === 0 ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(main(Deno.args[0], Deno.args[1] === "strict" ? "strict" : "private"));
}
