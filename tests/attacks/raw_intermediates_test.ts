/** Leaves whose path to the root is broken, each shown to both ends by a peer that writes TLS octet by octet. */
import assert from "node:assert/strict";
import {
  makeCertificate,
  misencodedExtension,
  type TestCertificate,
} from "../support/certificates.ts";
import { signingKey } from "../support/raw_tls/mod.ts";
import {
  assertReported,
  attackDispatcher,
  attackWorker,
  authorities,
  claimed,
  HTTP2,
} from "./raw_attack.ts";

const { root, intermediate, foreign, namesake } = authorities;

/** Signed by our root, in an encoding that is not DER. */
const misencoded = makeCertificate({
  name: "misencoded intermediate",
  authority: 0,
  issuer: root,
  extensions: [misencodedExtension()],
});
/** Has the name of our intermediate and another key; a root of another key signed it. */
const namesakeIntermediate = makeCertificate({
  name: "test intermediate",
  authority: 0,
  issuer: namesake,
});

/** Paths that end nowhere: the issuer of the leaf, and the certificates that follow it. */
const ROWS: readonly (readonly [string, TestCertificate, readonly TestCertificate[]])[] = [
  ["an intermediate that was signed with a broken encoding", misencoded, [misencoded]],
  ["that intermediate twice", misencoded, [misencoded, misencoded]],
  ["no intermediate", intermediate, []],
  ["a root in place of its intermediate", intermediate, [foreign]],
  ["an intermediate of the same name and another key", intermediate, [namesakeIntermediate]],
  ["an intermediate under a root of the same name", namesakeIntermediate, [
    namesakeIntermediate,
    namesake,
  ]],
  ["seven times a root that is not trusted", foreign, new Array(7).fill(foreign)],
];

for (const [what, issuer, others] of ROWS) {
  const leafOf = (uri: string): TestCertificate => makeCertificate({ names: [{ uri }], issuer });
  const ders = others.map(({ der }) => der);

  Deno.test(`a dispatcher writes nothing to a worker that shows a leaf and ${what}`, async () => {
    const { der, keyPem } = leafOf(claimed.server);
    const key = await signingKey(keyPem);
    const { error } = await attackDispatcher(async (raw) => {
      await raw.authenticate([der, ...ders], key);
      await raw.application(HTTP2);
    });
    assert.equal(error.reason, "untrusted-authority", error.message);
  });

  Deno.test(`a worker parses nothing of a client that shows a leaf and ${what}`, async () => {
    const { der, keyPem } = leafOf(claimed.client);
    const key = await signingKey(keyPem);
    const { refused, heard } = await attackWorker(async (raw) => {
      await raw.authenticate([der, ...ders], key);
      await raw.application(HTTP2);
    });
    assert.equal(refused.reason, "untrusted-authority", JSON.stringify(refused));
    assertReported(heard, { refused: "untrusted-authority" });
  });
}
