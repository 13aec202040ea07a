import {
  type Credentials as CredentialsValue,
  openCredentials,
  ownCertificateFault,
  verdictOption,
} from "../../credentials/mod.ts";
import { judgePeer, parsePatterns, type VerdictMode } from "../../identity/mod.ts";
import type { CertificateSummary } from "../../errors/mod.ts";
import { certificateSteps } from "./certificate_steps.ts";
import { judged, shown, type Step } from "./report.ts";

/** Which files to examine, and what they are for. */
export interface FileExamination {
  /** The files, as credentials that were not opened yet. */
  readonly credentials: CredentialsValue;
  /** What the certificate will be in a connection. */
  readonly as: "worker" | "client";
  /** Who peers will expect. Default: anyone whom the authorities vouch for. */
  readonly identity?: readonly string[] | undefined;
  /** How peers will judge certificates. Default `private`. */
  readonly verdict?: VerdictMode | undefined;
  /** A file of peers that are refused. Default: none. */
  readonly denylist?: string | undefined;
}

/**
 * Examines credentials before they are deployed: whether they can be adopted, and what a peer that
 * trusts the same authorities would say to the certificate. No connection is made.
 */
export async function* examineFiles(
  { credentials, as, identity, verdict, denylist }: FileExamination,
): AsyncGenerator<Step, void, undefined> {
  const role = as === "worker" ? "server" : "client";
  const expected = parsePatterns(identity ?? "*");
  const opened = await openCredentials(
    credentials,
    denylist,
    { role, ...verdictOption({ verdict }) },
  ).catch((error: Error) => error);
  if (opened instanceof Error || opened === undefined) {
    return yield unusable(opened ?? new Error("these are no credentials"));
  }
  await using source = opened;
  const material = source.current();
  const { own, anchors, verdict: mode = "private" } = material;
  if (own === undefined || anchors === undefined) {
    return yield unusable(new Error("a certificate, its key and the authorities are needed"));
  }
  const now = Date.now();
  const fault = ownCertificateFault(material, now, role);
  const outcome = judgePeer(own.chain, {
    role,
    anchors,
    expected,
    now,
    mode,
    denylist: material.denylist,
  });
  const trust = fault === undefined && outcome.trusted ? "passed" : "failed";
  yield* certificateSteps([own.leaf, ...own.authorities], { trust, now });
  if (fault !== undefined) {
    return yield judged("own-certificate", "own-certificate-invalid", fault);
  }
  yield { step: "own-certificate", outcome: "passed", identity: "the key is the certificate's" };
  if (!outcome.trusted) return yield judged("trust", outcome.reason, outcome.evidence);
  yield {
    step: "trust",
    outcome: "passed",
    identity: `peers that trust these authorities accept it as ${as} ${outcome.identity.name}`,
    ...shown(material.advice ?? []),
  };
}

/** What cannot be adopted at all. */
function unusable({ name, message }: Error): Step {
  // The certificate that was at fault is in the message; a handshake has not been thought of.
  const problem = { error: name === "Error" ? "ConfigurationError" : name, message };
  return { step: "own-certificate", outcome: "failed", problem };
}

/** The leaf of an examination, where it came as far. */
export function leafOf(steps: readonly Step[]): CertificateSummary | undefined {
  const leaf = steps.find((step) => step.step === "certificate" && step.index === 0);
  return leaf?.step === "certificate" ? leaf.certificate : undefined;
}
