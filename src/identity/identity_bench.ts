import { generateKeyPairSync } from "node:crypto";
import { forge, type Forged } from "../../tests/support/forge.ts";
import { type Certificate, parseCertificate } from "./certificate/certificate.ts";
import { isCertificateFault } from "./certificate/certificate_fault.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { proveOwnAuthorities } from "./path/own_authorities.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";
import { judgePeer, judging } from "./verdict.ts";

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

const keysOf = () => generateKeyPairSync("ec", { namedCurve: "P-384" });
const top = forge({ subject: "top", authority: true, keys: keysOf() });
let issuer = top;
const hierarchy = ["a", "b", "c"].map((subject) =>
  issuer = forge({ subject, authority: true, issuer, keys: keysOf() })
).reverse();
const long = [forge({ issuer }), ...hierarchy].map(({ der }) => der);

Deno.bench(
  "judging(): a leaf under three P-384 intermediates, nothing seen before",
  async (bench) => {
    const anchors = new TrustAnchors({ bundle: [read(top)] });
    bench.start();
    const steps = judging(long, { role: "client", anchors, expected, now: Date.now() });
    let step = steps.next(false);
    while (!step.done) step = steps.next(await step.value.soon());
    bench.end();
    if (!step.value.trusted) throw new Error(step.value.evidence.found);
  },
);

const namesakes = Array.from({ length: 7 }, () => forge({ subject: "root", authority: true }));
const costly = [forge({ issuer: namesakes[0]! }), ...namesakes].map(({ der }) => der);

Deno.bench("judgePeer(): seven namesakes of the anchor, as much work as is allowed", (bench) => {
  const anchors = new TrustAnchors({ bundle });
  bench.start();
  const verdict = judgePeer(costly, { role: "client", anchors, expected, now: Date.now() });
  bench.end();
  if (verdict.trusted) throw new Error("trusted");
});
