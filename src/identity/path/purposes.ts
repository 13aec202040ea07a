import type { ExtendedKeyUsage, KeyUsage } from "../certificate/extensions.ts";
import type { PeerRole } from "./peer_role.ts";

/** The purposes of RFC 5280 §4.2.1.12 that matter to TLS. */
export const PURPOSE = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
  any: "2.5.29.37.0",
} as const;

const NAMES: Readonly<Record<string, string>> = {
  [PURPOSE.server]: "serverAuth",
  [PURPOSE.client]: "clientAuth",
  [PURPOSE.any]: "anyExtendedKeyUsage",
  "1.3.6.1.5.5.7.3.3": "codeSigning",
  "1.3.6.1.5.5.7.3.4": "emailProtection",
  "1.3.6.1.5.5.7.3.8": "timeStamping",
  "1.3.6.1.5.5.7.3.9": "OCSPSigning",
};

/** More than a person reads. */
const SHOWN = 8;

/** Whether the extended key usage, where there is one, includes the role, or any purpose. */
export function allowsRole(usage: ExtendedKeyUsage | undefined, role: PeerRole): boolean {
  return usage === undefined || usage.purposes.has(PURPOSE[role]) ||
    usage.purposes.has(PURPOSE.any);
}

/** An extended key usage in words: `clientAuth, codeSigning`. */
export function shownPurposes({ purposes }: ExtendedKeyUsage): string {
  return [...purposes].slice(0, SHOWN).map((id) => NAMES[id] ?? id).join(", ");
}

/** A key usage in words; `nothing` for an empty one. */
export function shownKeyUsage(usage: ReadonlySet<KeyUsage>): string {
  return usage.size === 0 ? "nothing" : [...usage].join(", ");
}
