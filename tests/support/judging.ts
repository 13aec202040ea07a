/** One root, leaves under it, and short questions to the trust verdict, for tests. */
import assert from "node:assert/strict";
import {
  type Certificate,
  isCertificateFault,
  judgePeer,
  parseCertificate,
  parsePatterns,
  type PeerQuestion,
  type Refused,
  TrustAnchors,
  type Verdict,
} from "../../src/identity/mod.ts";
import { forge, type Forged, type ForgeOptions, general } from "./forge.ts";

/** Milliseconds. */
export const HOUR = 3_600_000;
/** Milliseconds. */
export const DAY: number = 24 * HOUR;
/** The identity a leaf has, and is expected to have, where nothing else is said. */
export const WORKER = "spiffe://example.org/worker";

/** The anchor where no other is given. */
export const root: Forged = forge({ subject: "root", authority: true, notAfter: Date.now() + DAY });

/** A leaf under the root. */
export function leaf(options: ForgeOptions = {}): Forged {
  return forge({ issuer: root, ...options });
}

/** A leaf of one URI name. */
export function named(uri: string, issuer: Forged): Forged {
  return forge({ issuer, names: [general.uri(uri)] });
}

/** The certificate as the verdict reads it. */
export function read({ der }: Forged): Certificate {
  const certificate = parseCertificate(der);
  return isCertificateFault(certificate) ? assert.fail(certificate.found) : certificate;
}

/** Anchors as an ordinary bundle. */
export function trusting(...anchors: Forged[]): TrustAnchors {
  return new TrustAnchors({ bundle: anchors.map(read) });
}

/** What a question may say otherwise. */
export interface Asked extends Partial<Omit<PeerQuestion, "expected">> {
  /** Default {@linkcode WORKER}. */
  readonly expected?: string | readonly string[];
}

/** Asks about a server under the root, now, by default. */
export function judge(chain: readonly (Forged | Uint8Array)[], asked: Asked = {}): Verdict {
  const { role = "server", anchors = trusting(root), expected = WORKER, now = Date.now() } = asked;
  const ders = chain.map((one) => one instanceof Uint8Array ? one : one.der);
  const patterns = parsePatterns(expected, { clients: role === "client" });
  return judgePeer(ders, { ...asked, role, anchors, expected: patterns, now });
}

/** The refusal that the verdict must be. */
export function refused(verdict: Verdict): Refused {
  return verdict.trusted ? assert.fail(`trusted as ${verdict.identity.name}`) : verdict;
}

/** The proven name of the yes that the verdict must be. */
export function trustedName(verdict: Verdict): string {
  return verdict.trusted ? verdict.identity.name : assert.fail(JSON.stringify(verdict));
}
