import { readDer } from "../der/der.ts";
import { TAG } from "../der/der_values.ts";
import { checkDistributionPoints } from "./distribution_points.ts";
import { Malformed } from "../der/malformed.ts";

/** Under which X.509 names its own extensions (RFC 5280 §4.2.1). */
const OF_X509 = "2.5.29.";
/** cRLDistributionPoints and freshestCRL (RFC 5280 §4.2.1.13, §4.2.1.15). */
const DISTRIBUTION_POINTS: ReadonlySet<string> = new Set(["2.5.29.31", "2.5.29.46"]);
/** The timestamps of certificate logs (RFC 6962 §3.3). */
const TIMESTAMPS = "1.3.6.1.4.1.11129.2.4.2";

/**
 * Checks an extension that decides nothing in a verdict. Those of X.509 itself must still be well formed: the
 * platform reads some of them, and no verdict may accept a certificate that the platform cannot read.
 */
export function checkUnreadExtension(id: string, value: Uint8Array): void {
  if (DISTRIBUTION_POINTS.has(id)) checkDistributionPoints(value);
  else if (id === TIMESTAMPS) checkTimestamps(value);
  else if (id.startsWith(OF_X509)) readDer(value, `extension ${id}`);
}

function checkTimestamps(value: Uint8Array): void {
  if (readDer(value, "the list of timestamps").tag === TAG.octetString) return;
  throw new Malformed("extension.timestamps", "the list of timestamps is not an OCTET STRING");
}
