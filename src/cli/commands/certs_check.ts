import { Command } from "commander";
import { unusable } from "../../errors/mod.ts";
import {
  type Advice,
  adviceOn,
  type Certificate,
  formatName,
  isCertificateFault,
  isSelfIssued,
  judgePeer,
  otherEncoding,
  ownLeafFault,
  parsePattern,
  parsePemBundle,
  type PeerRole,
  ruleText,
  summarize,
  TrustAnchors,
  unsuitableAdvice,
  type VerdictMode,
} from "../../identity/mod.ts";
import { validityFault, withoutPrivateKeys } from "../../credentials/mod.ts";
import { ExitCode } from "../exit_code.ts";
import { readText } from "../files.ts";
import { flag, withFlags } from "../flag.ts";
import { adviceLines, certificateLines, field } from "../doctor/render.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { present } from "../../values/mod.ts";

/** `selvage certs check`: what peers would refuse about certificates, and what could be better. */
export function certsCheckCommand(): Command {
  const command = new Command("check")
    .description("what peers would refuse about certificates in files, and what could be better")
    .argument("<FILE...>", "chains, leaf first, and bundles of authorities, PEM")
    .addHelpText("after", EXAMPLES)
    .action(check);
  return withFlags(
    command,
    flag("--as <ROLE>", "what the chains are for", "either").choices(["worker", "client"]),
    flag("--verdict <KIND>", "strict: what is advice otherwise counts as refused", "private")
      .choices(["private", "strict"]),
    jsonFlag(),
  );
}

const EXAMPLES = `
Examples:
  selvage certs check pki/worker.pem pki/ca.pem
  selvage certs check pki/*.pem --as worker --verdict strict
`;

interface CheckFlags extends ResultFlags {
  readonly as?: "worker" | "client";
  readonly verdict?: VerdictMode;
}

/** What a peer refuses. */
interface Refusal {
  readonly rule: string;
  readonly field: string;
  readonly found: string;
  readonly advice: string;
}

interface CheckedFile {
  readonly file: string;
  readonly certificates: readonly Certificate[];
  readonly unread?: Refusal;
}

async function check(files: readonly string[], flags: CheckFlags): Promise<void> {
  const read = await Promise.all(files.map(readFile));
  const anchors = read.filter((file) => isBundle(file, flags)).flatMap(({ certificates }) =>
    certificates
  );
  const lines = read.map((file) => checkFile(file, anchors, flags));
  printResult(flags, () => lines.flatMap((line) => checkedLines(line, Date.now())), lines);
  if (lines.some(({ ok }) => !ok)) Deno.exitCode = ExitCode.handshake;
}

async function readFile(file: string): Promise<CheckedFile> {
  const text = await readText(file, "name files of certificates in PEM", "FILE");
  // A private key may stand beside its chain; it is not looked at.
  const certificates = parsePemBundle(withoutPrivateKeys(text));
  if (!isCertificateFault(certificates)) return { file, certificates };
  if (certificates.rule === "pem.empty") {
    const encoding = otherEncoding(text);
    throw unusable(
      "FILE",
      `${file} holds no certificate${encoding === undefined ? "" : `: ${encoding}`}`,
    );
  }
  const { rule, found } = certificates;
  return {
    file,
    certificates: [],
    unread: { rule, found, field: ruleText(rule).field, advice: unsuitableAdvice(rule, undefined) },
  };
}

/**
 * What begins with an authority's certificate is a bundle; but where a role is asked about, an authority of its own
 * making that has the names of a host is what `openssl req -x509` makes of a leaf.
 */
function isBundle({ certificates: [first] }: CheckedFile, { as }: CheckFlags): boolean {
  if (first?.extensions.basicConstraints?.ca !== true) return false;
  const names = first.extensions.subjectAlternativeNames ?? [];
  const isLeaf = names.some(({ kind }) => kind === "dns" || kind === "ip");
  return as === undefined || !isLeaf || !isSelfIssued(first);
}

function checkFile(
  checked: CheckedFile,
  anchors: readonly Certificate[],
  flags: CheckFlags,
) {
  const { as, verdict: mode = "private" } = flags;
  const { file, certificates, unread } = checked;
  const now = Date.now();
  const role = as === "worker" ? "server" : as;
  const bundle = isBundle(checked, flags);
  const advice = adviceOn({
    ...bundle ? { anchors: certificates } : { chain: certificates },
    ...present({ role }),
    now,
  });
  const refused = [
    ...unread === undefined ? [] : [unread],
    ...bundle
      ? [...certificates.flatMap(bundleRefusals), ...outdatedAll(certificates, now)]
      : chainRefusal(certificates, anchors, role, mode, now),
    ...mode === "strict"
      ? advice.filter(({ refusedIfStrict }) => refusedIfStrict).map(asRefusal)
      : [],
  ];
  return {
    file,
    ok: refused.length === 0,
    kind: bundle ? "bundle" : "chain",
    certificates: certificates.map(summarize),
    refused,
    advice,
  };
}

/** A file, as a person reads it. */
export function checkedLines(
  { file, ok, kind, certificates, refused, advice }: ReturnType<typeof checkFile>,
  now: number,
): readonly string[] {
  return [
    `${ok ? "ok  " : "FAIL"}  ${file} (${kind})`,
    ...certificates.flatMap((
      one,
    ) => [field("subject", one.subject), ...certificateLines(one, now)]),
    ...refused.flatMap(({ rule, found, advice }) => [
      field("refused", `${found} (${rule})`),
      field("do", advice),
    ]),
    ...advice.flatMap(adviceLines),
  ];
}

function bundleRefusals(certificate: Certificate): readonly Refusal[] {
  return certificate.faults.map(({ rule, found }) => refusal(rule, found, certificate));
}

/** What is wrong with the dates of certificates of which one that is valid now would do; nothing where there is one. */
function outdatedAll(authorities: readonly Certificate[], now: number): readonly Refusal[] {
  if (authorities.some((one) => validityFault(one, now) === undefined)) return [];
  return authorities.flatMap((one) => outdated(one, now));
}

/**
 * The certificates of the authority that has signed the leaf. Of an authority above it peers may trust another
 * certificate, as of a root that was once signed by an older one: without a bundle, nothing is said of those.
 */
function issuersIn([leaf, ...authorities]: readonly Certificate[]): readonly Certificate[] {
  return authorities.filter(({ subject }) => subject.key === leaf?.issuer.key);
}

function outdated(authority: Certificate, now: number): readonly Refusal[] {
  const dates = validityFault(authority, now);
  if (dates === undefined) return [];
  const found = `the authority "${formatName(authority.subject)}": ${dates.found}`;
  const advice = "put one of its certificates that is valid now in its place";
  return [{ rule: `dates.${dates.reason}`, field: "validity", found, advice }];
}

/** The first that a peer would refuse; by the authorities among the files, where there are some. */
function chainRefusal(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  role: PeerRole | undefined,
  mode: VerdictMode,
  now: number,
): readonly Refusal[] {
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const unfit = ownLeafFault(leaf, { mode, ...present({ role }) });
  if (unfit !== undefined) return [refusal(unfit.rule, unfit.found, leaf)];
  const dates = validityFault(leaf, now);
  if (dates !== undefined) {
    const { found, advice } = dates;
    return [{ rule: `dates.${dates.reason}`, field: "validity", found, advice }];
  }
  if (anchors.length === 0) return outdatedAll(issuersIn(chain), now);
  const verdict = judgePeer(chain.map(({ der }) => der), {
    role: role ?? "server",
    anchors: new TrustAnchors({ bundle: anchors }),
    expected: [parsePattern("*")],
    now,
    mode,
  });
  // Which name is expected of it is not asked here.
  if (verdict.trusted || verdict.reason === "identity-mismatch") return [];
  const { rule = "", found = "", advice = "" } = verdict.evidence;
  return [{ rule, field: ruleText(rule).field, found, advice }];
}

function refusal(rule: string, found: string, certificate: Certificate): Refusal {
  return { rule, field: ruleText(rule).field, found, advice: unsuitableAdvice(rule, certificate) };
}

function asRefusal({ rule, field, found, asks, setting }: Advice): Refusal {
  return { rule, field, found, advice: `${asks}; ${setting}` };
}
