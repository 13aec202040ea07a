import assert from "node:assert/strict";
import { constants, generateKeyPairSync } from "node:crypto";
import {
  der,
  extension,
  forge,
  type Forged,
  general,
  type Keys,
  newKeys,
  OID,
  oid,
} from "../../tests/support/forge.ts";
import {
  DAY,
  HOUR,
  judge,
  leaf,
  refused,
  root,
  trusting,
  WORKER,
} from "../../tests/support/judging.ts";

const foreign = forge({ subject: "foreign", authority: true });

type Row = readonly [what: string, chain: () => readonly (Forged | Uint8Array)[], rule: string];

const UNTRUSTED: readonly Row[] = [
  ["a leaf of a foreign authority", () => [forge({ issuer: foreign })], "path.no-issuer"],
  ["a foreign chain with its root", () => [forge({ issuer: foreign }), foreign], "path.no-issuer"],
  ["a self-signed leaf", () => [forge()], "path.self-signed"],
  ["an expired leaf of a stranger", () => [
    forge({ issuer: foreign, notAfter: Date.now() - HOUR, notBefore: Date.now() - DAY }),
  ], "path.no-issuer"],
  [
    "a leaf of a namesake of the anchor",
    () => [leaf({ issuer: forge({ subject: "root", authority: true }) })],
    "path.signature",
  ],
  [
    "a leaf signed by another key",
    () => [leaf({ signedBy: newKeys().privateKey })],
    "path.signature",
  ],
  ["a missing intermediate", () => [
    leaf({ issuer: forge({ subject: "between", authority: true, issuer: root }) }),
  ], "path.no-issuer"],
  ["a version 1 intermediate of the anchor", () => {
    const old = forge({ subject: "between", issuer: root, version: 0 });
    return [leaf({ issuer: old }), old];
  }, "certificate.version"],
  ["an intermediate with a byte too many", () => {
    const between = forge({ subject: "between", authority: true, issuer: root });
    return [leaf({ issuer: between }), Uint8Array.of(...between.der, 0)];
  }, "der.trailing"],
  ["authorities that sign each other and nothing else", () => {
    const [a, b] = [newKeys(), newKeys()];
    const ofA = { subject: "a", keys: a, der: new Uint8Array() };
    const ofB = { subject: "b", keys: b, der: new Uint8Array() };
    const aByB = forge({ subject: "a", authority: true, keys: a, issuer: ofB });
    const bByA = forge({ subject: "b", authority: true, keys: b, issuer: ofA });
    return [leaf({ issuer: aByB }), aByB, bByA];
  }, "path.no-issuer"],
];

for (const [what, chain, rule] of UNTRUSTED) {
  Deno.test(`judgePeer() calls ${what} untrusted-authority`, () => {
    const { reason, rule: broken, evidence } = refused(judge(chain()));
    assert.deepEqual([reason, broken], ["untrusted-authority", rule]);
    assert.deepEqual(evidence.anchors?.map(({ subject }) => subject), ["CN=root"]);
  });
}

const UNSUITABLE: readonly Row[] = [
  ["a version 1 leaf of the anchor", () => [leaf({ version: 0 })], "certificate.version"],
  ["no digitalSignature", () => [leaf({ keyUsage: 0x20 })], "leaf.key-usage"],
  ["a leaf that may sign certificates", () => [leaf({ keyUsage: 0x84 })], "leaf.key-usage"],
  ["a leaf for clients only", () => [leaf({ purposes: [OID.clientAuth] })], "leaf.purpose"],
  ["an authority as a leaf", () => [
    leaf({ authority: true, keyUsage: 0x84, names: [general.uri(WORKER)] }),
  ], "leaf.authority"],
  ["a leaf that constrains names", () => [
    leaf({ constraints: { permitted: [general.dns("a.b")] } }),
  ], "leaf.constraints"],
  ["a SPIFFE ID beside another URI", () => [
    leaf({ names: [general.uri(WORKER), general.uri("https://example.org")] }),
  ], "san.several-uris"],
  ["a SPIFFE ID beside a misspelt URI", () => [
    leaf({ names: [general.uri(WORKER), general.uri("/worker")] }),
  ], "san.several-uris"],
  ["a misspelt SPIFFE ID", () => [
    leaf({ names: [general.uri("spiffe://Example.org/worker")] }),
  ], "san.spiffe-id"],
  ["a leaf that identifies another key than the one that signed it", () => {
    const other = forge({ subject: "root", authority: true });
    const keyIdentifier = der(0x30, der(0x80, [1, 2, 3]));
    return [leaf({
      issuer: { ...root, subject: other.subject },
      without: [OID.authorityKeyIdentifier],
      extensions: [extension(OID.authorityKeyIdentifier, false, keyIdentifier)],
    })];
  }, "path.key-identifier"],
  ["a trust domain's ID as a workload's", () => [
    leaf({ names: [general.uri("spiffe://example.org")] }),
  ], "svid.path"],
  ["a serial number of zero", () => [leaf({ serial: [0] })], "certificate.serial"],
  ["a negative serial number", () => [leaf({ serial: [0x80] })], "certificate.serial"],
  ["a serial number of 21 bytes", () => [
    leaf({ serial: [0, 0xff, ...new Array(19).fill(1)] }),
  ], "certificate.serial"],
  ["an intermediate without keyCertSign", () => {
    const between = forge({ subject: "between", authority: true, issuer: root, keyUsage: 0x02 });
    return [leaf({ issuer: between }), between];
  }, "authority.key-usage"],
  ["an intermediate that is no authority", () => {
    const between = forge({ subject: "between", issuer: root, keyUsage: 0x84, names: [] });
    return [leaf({ issuer: between }), between];
  }, "authority.not-one"],
  ["an intermediate for other purposes", () => {
    const purposes = ["1.3.6.1.5.5.7.3.4"];
    const between = forge({ subject: "between", authority: true, issuer: root, purposes });
    return [leaf({ issuer: between }), between];
  }, "authority.purpose"],
  ["an intermediate with an unknown critical extension", () => {
    const extensions = [extension("1.2.3.4", true, der(0x05))];
    const between = forge({ subject: "between", authority: true, issuer: root, extensions });
    return [leaf({ issuer: between }), between];
  }, "extension.unknown-critical"],
  ["more authorities than one of them allows", () => {
    const a = forge({ subject: "a", authority: true, issuer: root, pathLength: 0 });
    const b = forge({ subject: "b", authority: true, issuer: a });
    return [leaf({ issuer: b }), b, a];
  }, "path.length"],
  ["a signature that we cannot check", () => [
    leaf({ algorithm: der(0x30, oid("1.2.840.113549.1.1.10"), der(0x30)) }),
  ], "certificate.signature-algorithm"],
  ["nothing", () => [], "chain.empty"],
  ["an endless list of entries", () => [
    leaf(),
    ...new Array<Uint8Array>(600).fill(Uint8Array.of(0)),
  ], "chain.certificates"],
  ["33 KiB of chain", () => [
    leaf({ extensions: [extension("1.2.3.4", false, new Uint8Array(33 * 1024))] }),
  ], "chain.bytes"],
];

for (const [what, chain, rule] of UNSUITABLE) {
  Deno.test(`judgePeer() calls ${what} certificate-unsuitable`, () => {
    const { reason, rule: broken } = refused(judge(chain()));
    assert.deepEqual([reason, broken], ["certificate-unsuitable", rule]);
  });
}

Deno.test("judgePeer() names the signature algorithm that it cannot check", () => {
  const algorithm = der(0x30, oid("1.2.840.113549.1.1.10"), der(0x30));
  assert.match(refused(judge([leaf({ algorithm })])).evidence.found!, /RSASSA-PSS/);
});

Deno.test("judgePeer() asks nothing of the signature and the serial number of an anchor", () => {
  const algorithm = der(0x30, oid("1.2.840.113549.1.1.5"), der(0x05));
  const anchor = forge({ subject: "old", authority: true, algorithm, serial: [0] });
  assert(judge([leaf({ issuer: anchor })], { anchors: trusting(anchor) }).trusted);
});

Deno.test("judgePeer() says of P-521 and SHA-256 that it is not supported, and not that it is forged", () => {
  const issuer = forge({
    subject: "ca",
    authority: true,
    keys: curve("P-521"),
    signedBy: root.keys.privateKey,
  });
  const signed = leaf({ issuer, signedBy: root.keys.privateKey });
  const { reason, rule, evidence } = refused(judge([signed], { anchors: trusting(issuer) }));
  assert.deepEqual([reason, rule], ["certificate-unsuitable", "certificate.signature-algorithm"]);
  assert.match(evidence.found!, /ecdsa-with-SHA256 under a key on P-521 is not supported/);
});

const ECDSA = "1.2.840.10045.4.3.";
const RSA = "1.2.840.113549.1.1.";
const ALGORITHMS: readonly [string, () => Keys, string, string | null, Uint8Array | []][] = [
  ["P-384 with SHA-256", () => curve("P-384"), `${ECDSA}2`, "sha256", []],
  ["P-384 with SHA-384", () => curve("P-384"), `${ECDSA}3`, "sha384", []],
  ["P-256 with SHA-512", () => curve("P-256"), `${ECDSA}4`, "sha512", []],
  ["P-521 with SHA-384", () => curve("P-521"), `${ECDSA}3`, "sha384", []],
  ["P-521 with SHA-512", () => curve("P-521"), `${ECDSA}4`, "sha512", []],
  ["Ed25519", () => generateKeyPairSync("ed25519"), "1.3.101.112", null, []],
  ["RSA with SHA-256", () => rsa(), `${RSA}11`, "sha256", der(0x05)],
  ["RSA with SHA-384", () => rsa(), `${RSA}12`, "sha384", der(0x05)],
  ["RSA with SHA-512", () => rsa(), `${RSA}13`, "sha512", der(0x05)],
];

const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
let rsaKeys: Keys | undefined;
const rsa = () => rsaKeys ??= generateKeyPairSync("rsa", { modulusLength: 2048 });

for (const [what, keysOf, id, digest, parameters] of ALGORITHMS) {
  Deno.test(`judgePeer() checks signatures of ${what}`, () => {
    const issuer = forge({ subject: "ca", authority: true, keys: keysOf(), digest });
    const asked = { anchors: trusting(issuer) };
    const algorithm = der(0x30, oid(id), parameters);
    assert(judge([leaf({ issuer, algorithm, digest })], asked).trusted);
    const other = digest === null
      ? leaf({ issuer: root, algorithm })
      : leaf({ issuer, algorithm, digest: digest === "sha512" ? "sha384" : "sha512" });
    assert(!judge([other], asked).trusted);
  });
}

/** RSASSA-PSS with its parameters: a digest, MGF1 of one, and the length of the salt. */
function pss(digest: number, maskDigest = digest, saltLength = 16 + 16 * digest) {
  const hash = (last: number) => der(0x30, oid(`2.16.840.1.101.3.4.2.${last}`), der(0x05));
  const mask = der(0x30, oid("1.2.840.113549.1.1.8"), hash(maskDigest));
  const salt = der(0xa2, der(0x02, [saltLength]));
  return der(0x30, oid(`${RSA}10`), der(0x30, der(0xa0, hash(digest)), der(0xa1, mask), salt));
}

for (const [digest, number] of [["sha256", 1], ["sha384", 2], ["sha512", 3]] as const) {
  Deno.test(`judgePeer() checks signatures of RSASSA-PSS with ${digest}`, () => {
    const issuer = forge({ subject: "ca", authority: true, keys: rsa() });
    const asked = { anchors: trusting(issuer) };
    const { privateKey: key } = issuer.keys;
    const signed = (saltLength: number, algorithm = pss(number)) => {
      const signedBy = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
      return leaf({ issuer, algorithm, digest, signedBy });
    };
    const length = 16 + 16 * number;
    assert(judge([signed(length)], asked).trusted);
    const others = [signed(length - 1), leaf({ issuer, algorithm: pss(number), digest })];
    for (const other of others) {
      assert.equal(refused(judge([other], asked)).rule, "path.signature");
    }
    for (const algorithm of [pss(number, 1 + number % 3), pss(number, number, 20)]) {
      const { rule } = refused(judge([signed(length, algorithm)], asked));
      assert.equal(rule, "certificate.signature-algorithm");
    }
  });
}
