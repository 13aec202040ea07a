import assert from "node:assert/strict";
import { forge } from "../../../tests/support/forge.ts";
import { judge, leaf, read, refused, root, trusting } from "../../../tests/support/judging.ts";
import { Work } from "../certificate/work.ts";
import { proveOwnAuthorities } from "./own_authorities.ts";
import { signatureCost } from "./signature.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

Deno.test("proveOwnAuthorities() spares the first verdict on a peer of the same authority its check", () => {
  const between = forge({ subject: "between", authority: true, issuer: root });
  const peer = leaf({ issuer: between });
  const anchors = trusting(root);
  const checksTaken = (anchors: TrustAnchors) => {
    const work = new Work();
    assert(judge([peer, between], { anchors, work }).trusted);
    return work.counts.signature / signatureCost(read(root).publicKey);
  };
  assert.equal(checksTaken(trusting(root)), 2);
  proveOwnAuthorities([read(between), read(root)], anchors);
  assert.equal(checksTaken(anchors), 1);
});

Deno.test("proveOwnAuthorities() remembers nothing that leads to no anchor, or is not signed", () => {
  const stranger = forge({ subject: "stranger", authority: true });
  const under = forge({ subject: "under", authority: true, issuer: stranger });
  const namesake = forge({ subject: "root", authority: true });
  const forged = forge({ subject: "forged", authority: true, issuer: namesake });
  const anchors = trusting(root);
  proveOwnAuthorities([read(under), read(stranger)], anchors);
  proveOwnAuthorities([read(forged)], anchors);
  const now = Date.now();
  assert(!anchors.proven.has(read(under), read(stranger), now));
  assert(!anchors.proven.has(read(forged), read(root), now));
  const peer = leaf({ issuer: forged });
  assert.equal(refused(judge([peer, forged], { anchors })).rule, "path.signature");
});
