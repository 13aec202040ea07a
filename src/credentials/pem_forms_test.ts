import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { ConfigurationError } from "../errors/mod.ts";
import { createAuthority } from "./authority.ts";
import { Credentials } from "./credentials.ts";
import { writePem } from "./pem_writer.ts";

const authority = createAuthority();
const leaf = authority.issue({ name: "worker", dns: ["worker.internal"] });
const sec1 = String(
  createPrivateKey(leaf.keyPem).export({ type: "sec1", format: "pem" }),
);
const good = { ca: authority.certPem, cert: leaf.certPem, key: leaf.keyPem };
const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
const diffieHellman = writePem("X9.42 DH PARAMETERS", Uint8Array.of(0x30, 0));

/** Forms in which tools, editors and stores of secrets hand out the same PEM. */
const FORMS: readonly [what: string, form: (pem: string) => string][] = [
  ["on one line, as a variable or a store of secrets holds it", (pem) => pem.replaceAll("\n", " ")],
  ["without any line end", (pem) => pem.replaceAll("\n", "")],
  ["with spaces at the ends of its lines", (pem) => pem.replaceAll("\n", "  \n")],
  ["with the line ends of Windows", (pem) => pem.replaceAll("\n", "\r\n")],
  ["with a byte order mark", (pem) => `\ufeff${pem}`],
  ["indented", (pem) => pem.replace(/^/gm, "    ")],
  ["with a zero at its end", (pem) => `${pem}\0`],
  [
    "with the bag attributes of openssl pkcs12",
    (pem) => `Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n${pem}`,
  ],
  ["under its label of before", (pem) => pem.replaceAll(" CERTIFICATE", " X509 CERTIFICATE")],
];

for (const [what, form] of FORMS) {
  Deno.test(`Credentials take PEM ${what}`, async () => {
    await using credentials = await Credentials.fromPem({
      ca: form(good.ca),
      cert: form(good.cert),
      key: form(good.key),
    }).open();
    await using plain = await Credentials.fromPem(good).open();
    assert.equal(credentials.current().fingerprint, plain.current().fingerprint);
    assert.equal(credentials.current().own!.keyPem, plain.current().own!.keyPem);
  });
}

Deno.test("Credentials take one file of a chain, a key and the parameters that tools write beside", async () => {
  const both = `${good.cert}${parameters}${sec1}${diffieHellman}`;
  await using credentials = await Credentials.fromPem({ ca: good.ca, cert: both, key: both })
    .open();
  assert.equal(credentials.current().own!.chain.length, 1);
});

/** What is refused, and what its reader has to learn. */
const REFUSED: readonly [what: string, setting: keyof typeof good, text: string, says: RegExp][] = [
  [
    "a certificate with trust settings of openssl",
    "ca",
    good.ca.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"),
    /trust settings are not applied here; .*openssl x509 -in FILE -out NEW/,
  ],
  [
    "a revocation list in a bundle",
    "ca",
    good.ca + writePem("X509 CRL", Uint8Array.of(0x30, 0)),
    /block 2: it is a revocation list, which is not applied here; .*denylist/,
  ],
  [
    "a SPIFFE bundle of a bundle endpoint",
    "ca",
    '{"keys":[{"use":"x509-svid","kty":"EC","x5c":["MIIB"]}],"spiffe_sequence":1}',
    /it is a JSON Web Key Set; .*as PEM \(spire-server bundle show\)/,
  ],
  ["PKCS #7", "ca", writePem("PKCS7", Uint8Array.of(0x30, 0)), /openssl pkcs7 .*-print_certs/],
  ["a private key in a bundle", "ca", good.ca + sec1, /block 2: it is EC PRIVATE KEY, expected/],
  ["a key alone", "cert", parameters + sec1, /it holds a private key and no certificate/],
  [
    "an encrypted key beside a certificate",
    "key",
    `${good.cert}-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n` +
    "AAAA\n-----END EC PRIVATE KEY-----\n",
    /it is encrypted/,
  ],
  [
    "a key on a curve that is written out",
    "key",
    writePem("EC PRIVATE KEY", Uint8Array.of(0x30, 3, 2, 1, 1)),
    /damaged or not supported; .*-ec_param_enc named_curve/,
  ],
  ...(["ca", "cert", "key"] as const).flatMap((setting): typeof REFUSED => [
    ["UTF-16", setting, utf16(good[setting]), /it is UTF-16; write it as UTF-8/],
    ["DER", setting, binary(good[setting]), /it is DER or PKCS #12/],
    [
      "line ends that are written out",
      setting,
      good[setting].replaceAll("\n", "\\n"),
      /the two characters "\\n"; write line ends/,
    ],
  ]),
];

for (const [what, setting, text, says] of REFUSED) {
  Deno.test(`Credentials with ${what} as ${setting} say so`, async () => {
    await assert.rejects(
      Credentials.fromPem({ ...good, [setting]: text }).open(),
      (error) =>
        error instanceof ConfigurationError && error.setting === setting &&
        says.test(error.message),
    );
  });
}

/** As PowerShell 5 redirects it, read as UTF-8. */
function utf16(text: string): string {
  const units = Uint16Array.from(`\ufeff${text}`, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(units);
}

function binary(pem: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, "")));
}
