import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { der, extension, forge } from "../../tests/support/forge.ts";
import { adviceOn, readSequence } from "../identity/mod.ts";
import {
  assemble,
  type CredentialMaterial,
  type CredentialPem,
  Credentials,
  type CredentialTexts,
} from "./mod.ts";
import { writePem } from "./pem_writer.ts";

const root = makeCertificate({ name: "root", authority: true });
const other = makeCertificate({ name: "other", authority: true });
const leaf = makeCertificate({ names: [{ uri: "spiffe://example.org/worker" }], issuer: root });
const MUTUAL: CredentialPem = { ca: root.pem, cert: leaf.pem, key: leaf.keyPem };

/** A whole certificate that no path may hold: X.509 v1. */
const old = makeCertificate({ name: "old", version: 1 });

function usable(pem: CredentialPem): CredentialMaterial {
  const assembled = assemble(pem, Date.now());
  assert.ok(assembled.kind === "usable", JSON.stringify(assembled));
  return assembled.material;
}

Deno.test("the same anchors in another order, or twice, are the same version", () => {
  const version = usable({ ...MUTUAL, ca: root.pem + other.pem }).fingerprint;
  assert.equal(usable({ ...MUTUAL, ca: other.pem + root.pem }).fingerprint, version);
  assert.equal(usable({ ...MUTUAL, ca: other.pem + root.pem + other.pem }).fingerprint, version);
  assert.equal(
    usable({ ...MUTUAL, ca: `# text\n${root.pem}\nmore\n${other.pem}` }).fingerprint,
    version,
  );
  assert.notEqual(usable(MUTUAL).fingerprint, version);
});

Deno.test("a whole certificate of a bundle that breaks a rule is skipped and named; a torn one rejects it", () => {
  const { anchors, skipped } = usable({ ...MUTUAL, ca: old.pem + root.pem });
  assert.equal(anchors?.all.length, 1);
  assert.deepEqual(skipped?.map(({ place, rule }) => [place, rule]), [[1, "certificate.version"]]);
  const torn = root.pem.replace("-----END CERTIFICATE-----", "");
  for (const ca of [torn + root.pem, root.pem + "-----BEGIN CERTIFICATE-----\nMIIB", old.pem]) {
    const assembled = assemble({ ...MUTUAL, ca }, Date.now());
    assert.equal(assembled.kind, "rejected", ca);
  }
});

Deno.test("what is wrong within a whole certificate skips it, also a length; what is no certificate rejects the bundle", () => {
  const cutWithin = forge({
    subject: "cut within",
    authority: true,
    extensions: [extension("2.5.29.18", false, Uint8Array.of(0x30))],
  });
  const pem = (bytes: Uint8Array) => writePem("CERTIFICATE", bytes);
  const { anchors, skipped } = usable({ ...MUTUAL, ca: pem(cutWithin.der) + root.pem });
  assert.equal(anchors?.all.length, 1);
  assert.deepEqual(skipped?.map(({ place, rule }) => [place, rule]), [[1, "der.length"]]);
  const inOther = der(0x30, cutWithin.der);
  const noCertificates = [inOther, der(0x30), Uint8Array.of(...root.der, 0), root.der.subarray(1)];
  for (const bytes of noCertificates) {
    const assembled = assemble({ ...MUTUAL, ca: root.pem + pem(bytes) }, Date.now());
    assert.equal(assembled.kind, "rejected");
  }
});

Deno.test("a private key is found among text, parameters and certificates; two are refused", () => {
  const around = `Key Info:\n\tcurve: P-256\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n` +
    `-----END EC PARAMETERS-----\n${leaf.keyPem}${leaf.pem}`;
  assert.equal(usable({ ...MUTUAL, key: around }).own?.keyPem.trim(), leaf.keyPem.trim());
  const twice = assemble({ ...MUTUAL, key: leaf.keyPem + root.keyPem }, Date.now());
  assert.ok(
    twice.kind === "rejected" && /2 private keys/.test(twice.message),
    JSON.stringify(twice),
  );
});

/** The fields of a key in DER, in one of its forms. */
function fieldsOf(key: KeyObject, type: "sec1" | "pkcs8") {
  return [...readSequence(key.export({ type, format: "der" }), "the key").rest()];
}

for (const [keyKind, octets] of [["p-256", 32], ["p-384", 48], ["p-521", 66]] as const) {
  Deno.test(`a ${keyKind} key whose scalar is written longer or shorter than it should be is read all the same`, () => {
    const names = [{ uri: "spiffe://example.org/worker" }];
    const { key, pem: cert } = makeCertificate({ names, issuer: root, keyKind });
    const [version, scalar, ...rest] = fieldsOf(key, "sec1");
    const [versionOfInfo, algorithm] = fieldsOf(key, "pkcs8");
    const right = scalar!.contents;
    assert.equal(right.length, octets);
    const shortest = right.subarray(right.findIndex((octet) => octet !== 0));
    for (const odd of [Uint8Array.of(0, ...right), shortest]) {
      const sec1 = der(0x30, version!.bytes, der(0x04, odd), ...rest.map(({ bytes }) => bytes));
      const info = der(0x30, versionOfInfo!.bytes, algorithm!.bytes, der(0x04, sec1));
      for (const pem of [writePem("EC PRIVATE KEY", sec1), writePem("PRIVATE KEY", info)]) {
        const { own } = usable({ ca: root.pem, cert, key: pem });
        assert.ok(createPrivateKey(own!.keyPem).equals(key));
      }
    }
  });
}

Deno.test("Credentials.fromFiles takes key and chain from one file, as a bundle and as both of the two", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bundle = `${folder}/credentials.pem`;
    const ca = `${folder}/ca.pem`;
    await Deno.writeTextFile(bundle, leaf.keyPem + leaf.pem);
    await Deno.writeTextFile(ca, root.pem);
    for (const files of [{ ca, bundle }, { ca, cert: bundle, key: bundle }]) {
      await using source = await Credentials.fromFiles(files).open();
      assert.equal(source.current().own?.leaf.serial.length !== 0, true);
      assert.equal(source.current().mode, "mutual");
    }
    assert.throws(() => Credentials.fromFiles({ ca, bundle, cert: bundle }), /give it, or both/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("roots of other trust domains in a bundle without a domain are advised about once", () => {
  const rootOf = (domain: string) =>
    makeCertificate({ name: domain, authority: true, names: [{ uri: `spiffe://${domain}` }] });
  const [own, first, second] = ["example.org", "b.example", "a.example"].map(rootOf);
  const advised = (pem: CredentialPem) => {
    const { anchors } = usable(pem);
    return adviceOn({ unlabelled: anchors!.unlabelled, now: Date.now() });
  };
  const flat = { ...MUTUAL, ca: root.pem + own!.pem + first!.pem + second!.pem };
  const [advice, ...more] = advised(flat);
  assert.deepEqual(more, []);
  assert.equal(advice?.rule, "anchor.domain");
  assert.match(advice.found, /: a\.example, b\.example$/);
  assert.match(advice.setting, /--ca TRUST-DOMAIN=FILE/);
  const labelled = {
    ...MUTUAL,
    domains: new Map([["b.example", first!.pem], ["a.example", second!.pem]]),
  };
  assert.deepEqual(advised(labelled), []);
  assert.deepEqual(advised({ ...MUTUAL, ca: root.pem + own!.pem }), []);
});

const texts = (ca: string | Readonly<Record<string, string>>): Promise<CredentialMaterial> =>
  opened({ cert: leaf.pem, key: leaf.keyPem, ca });

async function opened(pem: CredentialTexts): Promise<CredentialMaterial> {
  await using source = await Credentials.fromPem(pem).open();
  return source.current();
}

Deno.test("an anchor that moves between the bundle without a domain and a domain's is another version", async () => {
  const versions = [
    await texts({ "": root.pem + other.pem, "other.org": other.pem }),
    await texts({ "": root.pem, "other.org": other.pem }),
    await texts(root.pem + other.pem),
  ];
  assert.equal(new Set(versions.map(({ fingerprint }) => fingerprint)).size, 3);
  const { anchors } = versions[1]!;
  const [ours, theirs] = anchors!.all;
  assert.deepEqual([ours, theirs].map((one) => anchors!.vouchesForHosts(one!, one!)), [
    true,
    false,
  ]);
});

Deno.test("the public roots and the authorities of a trust domain stand side by side", async () => {
  const { anchors } = await texts({ "": "system", "example.org": root.pem });
  const own = anchors!.all.find(({ der }) => der.toHex() === root.der.toHex())!;
  assert.equal(anchors?.vouchesForDomain(own, "example.org"), true);
  assert.equal(anchors?.isPublic(own), false);
  assert.ok(anchors.all.length > 50);
});

Deno.test("an empty bundle of a trust domain, and one that is given twice, are errors that name it", async () => {
  for (const [pem, message] of [[" ", /other\.org is empty/], ["text", /other\.org/]] as const) {
    await assert.rejects(texts({ "": root.pem, "other.org": pem }), message);
  }
  const twice = { domains: new Map([["other.org", other.pem]]), ca: { "other.org": other.pem } };
  assert.throws(() => Credentials.fromPem(twice), /other\.org are given by ca and by domains/);
});
