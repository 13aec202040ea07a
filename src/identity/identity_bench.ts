import { forge, type Forged } from "../../tests/support/forge.ts";
import { type Certificate, parseCertificate } from "./certificate/certificate.ts";
import { isCertificateFault } from "./certificate/certificate_fault.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { proveOwnAuthorities } from "./path/own_authorities.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";
import { judgePeer } from "./verdict.ts";

const root = forge({ subject: "root", authority: true });
const between = forge({ subject: "between", authority: true, issuer: root });
const peers = Array.from({ length: 64 }, () => forge({ issuer: between }));
const expected = [parsePattern("spiffe://example.org/worker")];
const bundle = [read(root)];

function read({ der }: Forged): Certificate {
  const certificate = parseCertificate(der);
  if (isCertificateFault(certificate)) throw new Error(certificate.found);
  return certificate;
}

function judge(peer: Forged, anchors: TrustAnchors): void {
  const now = Date.now();
  const chain = [peer.der, between.der];
  const verdict = judgePeer(chain, { role: "client", anchors, expected, now });
  if (!verdict.trusted) throw new Error(verdict.evidence.found);
}

const known = new TrustAnchors({ bundle });
for (const peer of peers) judge(peer, known);

Deno.bench("parseCertificate(): a leaf", () => void parseCertificate(peers[0]!.der));

Deno.bench("judgePeer(): leaf and intermediate, a peer seen before", () => judge(peers[0]!, known));

Deno.bench("judgePeer(): leaf and intermediate, an intermediate seen before", (bench) => {
  const anchors = new TrustAnchors({ bundle });
  judge(peers[1]!, anchors);
  bench.start();
  judge(peers[0]!, anchors);
  bench.end();
});

Deno.bench("judgePeer(): leaf and intermediate, the first under our own intermediate", (bench) => {
  const anchors = new TrustAnchors({ bundle });
  proveOwnAuthorities([read(between)], anchors);
  bench.start();
  judge(peers[0]!, anchors);
  bench.end();
});

Deno.bench("judgePeer(): leaf and intermediate, nothing seen before", (bench) => {
  const anchors = new TrustAnchors({ bundle });
  bench.start();
  judge(peers[0]!, anchors);
  bench.end();
});

const namesakes = Array.from({ length: 7 }, () => forge({ subject: "root", authority: true }));
const costly = [forge({ issuer: namesakes[0]! }), ...namesakes].map(({ der }) => der);

Deno.bench("judgePeer(): seven namesakes of the anchor, as much work as is allowed", (bench) => {
  const anchors = new TrustAnchors({ bundle });
  bench.start();
  const verdict = judgePeer(costly, { role: "client", anchors, expected, now: Date.now() });
  bench.end();
  if (verdict.trusted) throw new Error("trusted");
});
