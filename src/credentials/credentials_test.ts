import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { ConfigurationError } from "../errors/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
} from "../../tests/support/certificates.ts";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import {
  type CredentialMaterial,
  type CredentialPem,
  Credentials,
  ownCertificateFault,
} from "./mod.ts";
import { partsOfEnv } from "./settings.ts";
import { openWatched } from "./files/watch_files.ts";

const IDENTITY = "spiffe://example.org/worker";

const authorities = makeAuthorities();
const shapes = certificateShapes(authorities, IDENTITY);
const leaf = shapes["fine-under-intermediate"]();
const ca = authorities.root.pem;
const good: CredentialPem = { ca, cert: leaf.chainPem, key: leaf.keyPem };

async function materialOf(pem: CredentialPem): Promise<CredentialMaterial> {
  await using source = await Credentials.fromPem(pem).open();
  return source.current();
}

async function refusal(opening: () => Promise<unknown>): Promise<ConfigurationError> {
  const error = await opening().then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof ConfigurationError, `threw ${error}`);
  return error;
}

Deno.test("Credentials.fromPem() opens mutual credentials with everything the two ends need", async () => {
  const material = await materialOf(good);
  assert.equal(material.mode, "mutual");
  assert.equal(material.generation, 1);
  assert.equal(material.own?.chain.length, 2);
  assert.equal(material.own?.keyPem, leaf.keyPem);
  assert.deepEqual(material.own?.summary.names, [IDENTITY]);
  assert.deepEqual(material.caPem.map((pem) => pem.trim()), [ca.trim()]);
  assert.equal(material.anchors?.localDomain, "example.org");
  assert.equal(material.denylist.size, 0);
  assert.match(material.fingerprint, /^[0-9a-f]{64}$/);
});

Deno.test("credentials that are adopted know the signatures of the authorities above us", async () => {
  const { own, anchors } = await materialOf(good);
  const [between] = own?.authorities ?? [];
  const [root] = anchors?.all ?? [];
  assert.ok(between !== undefined && root !== undefined);
  assert.equal(anchors?.proven.has(between, root, Date.now()), true);
});

Deno.test("Credentials.fromPem() reads its text once, and judges its dates at every opening", async () => {
  const clock = new ManualClock(Date.now());
  const observer = new RecordingObserver();
  const credentials = Credentials.fromPem(good);
  await using first = await credentials.open({ clock, observer });
  assert.deepEqual(observer.of("credentials.rejected"), []);
  clock.leap(1_000 * 365 * 86_400_000);
  await using second = await credentials.open({ clock, observer });
  assert.equal(second.current().own, first.current().own);
  assert.equal(second.current().anchors, first.current().anchors);
  assert.deepEqual(observer.of("credentials.rejected").map(({ reason }) => reason), [
    "expired",
  ]);
});

Deno.test("Credentials.fromPem() gives the same fingerprint for the same material only", async () => {
  const { fingerprint } = await materialOf(good);
  assert.equal((await materialOf({ ...good, ca: `# a comment\n${ca}` })).fingerprint, fingerprint);
  const changed: CredentialPem[] = [
    { ...good, ca: ca + authorities.foreign.pem },
    { ...good, cert: leaf.pem },
    { ...good, oneWay: true },
    { ...good, domains: new Map([["other.org", authorities.foreign.pem]]) },
  ];
  const fingerprints = await Promise.all(
    changed.map(async (pem) => (await materialOf(pem)).fingerprint),
  );
  assert.equal(new Set([fingerprint, ...fingerprints]).size, changed.length + 1);
});

Deno.test("Credentials.fromPem() keeps the anchors of other trust domains to their domains", async () => {
  const { anchors, caPem } = await materialOf({
    ...good,
    domains: new Map([["other.org", authorities.foreign.pem]]),
  });
  assert.equal(caPem.length, 2);
  const foreign = anchors?.all.find(({ subject }) =>
    subject.der.toHex() === authorities.foreign.subject.toHex()
  );
  assert.ok(foreign);
  assert.equal(anchors?.vouchesForDomain(foreign, "other.org"), true);
  assert.equal(anchors?.vouchesForDomain(foreign, "example.org"), false);
});

Deno.test("Credentials never show the private key, whatever is done to the material", async () => {
  const material = await materialOf(good);
  assert.ok(!Deno.inspect(material, { depth: 9, strAbbreviateSize: 1e6 }).includes("PRIVATE"));
  assert.ok(!JSON.stringify(material).includes("PRIVATE"));
});

Deno.test("Credentials of a partial, empty or unreadable setting are an error, never less security", async () => {
  const { cert, key } = good as Required<CredentialPem>;
  const wrong: [CredentialPem, string][] = [
    [{}, "cert"],
    [{ ca }, "cert"],
    [{ ca, cert }, "key"],
    [{ ca, key }, "cert"],
    [{ cert, key }, "ca"],
    [{ ca: "", cert, key }, "ca"],
    [{ ca, cert: " \n", key }, "cert"],
    [{ ca, cert, key: "" }, "key"],
    [{ oneWay: true }, "ca"],
    [{ oneWay: true, ca, key }, "cert"],
    [{ ca: "nonsense", cert, key }, "ca"],
    [{ ca: ca + ca.slice(0, 200), cert, key }, "ca"],
    [{ ca: leaf.keyPem, cert, key }, "ca"],
    [{ ca: makeCertificate({ version: 1 }).pem, cert, key }, "ca"],
    [{ ca, cert: cert.slice(0, 300), key }, "cert"],
    [{ ca, cert: shapes["version-1"]().pem, key }, "cert"],
    [{ ca, cert, key: "nonsense" }, "key"],
    [{ ca, cert, key: cert }, "key"],
    [{ domains: new Map([["a.b", "nonsense"]]), cert, key }, "ca"],
  ];
  for (const [pem, setting] of wrong) {
    const error = await refusal(() => Credentials.fromPem(pem).open());
    assert.equal(error.setting, setting, error.message);
    assert.ok(!error.message.includes("BEGIN"), error.message);
  }
});

Deno.test("Credentials whose chain does not begin with the leaf say which certificate is the key's", async () => {
  const [first, ...rest] = leaf.chainPem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g)!;
  const error = await refusal(() =>
    Credentials.fromPem({ ...good, cert: [...rest, first].join("") }).open()
  );
  assert.equal(error.setting, "cert");
  assert.match(error.message, /certificate of the private key is number 2 of it; write that first/);
});

Deno.test("Credentials whose key is encrypted say so, and how to write it without its passphrase", async () => {
  const secret = { format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
  const own = createPrivateKey(leaf.keyPem);
  const keys = [
    own.export({ type: "pkcs8", ...secret }),
    // As OpenSSL wrote it before PKCS #8.
    "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n" +
    "AAAA\n-----END EC PRIVATE KEY-----\n",
  ];
  for (const key of keys) {
    const error = await refusal(() => Credentials.fromPem({ ...good, key: String(key) }).open());
    assert.equal(error.setting, "key");
    assert.match(error.message, /^key: it is encrypted; .*openssl pkey/);
  }
});

Deno.test("Credentials with oneWay are a worker's with a certificate and a caller's without", async () => {
  const { cert, key } = good as Required<CredentialPem>;
  const worker = await materialOf({ cert, key, oneWay: true });
  assert.equal(worker.mode, "one-way");
  assert.equal(worker.anchors, undefined);
  assert.deepEqual(worker.caPem, []);
  const caller = await materialOf({ ca, oneWay: true });
  assert.equal(caller.mode, "trust-only");
  assert.equal(caller.own, undefined);
  assert.equal(caller.anchors?.all.length, 1);
});

Deno.test("Credentials take an own certificate that cannot be used, and name its fault", async () => {
  const now = Date.now();
  const other = makeCertificate();
  const faults: [CredentialPem, string, string][] = [
    [{ ...good, key: other.keyPem }, "key-mismatch", "own.key-mismatch"],
    [own("expired"), "expired", "own.expired"],
    [own("not-yet-valid"), "not-yet-valid", "own.not-yet-valid"],
    [own("authority-as-leaf"), "unsuitable", "own.unsuitable"],
    [own("no-digital-signature"), "unsuitable", "own.unsuitable"],
  ];
  for (const [pem, reason, rule] of faults) {
    const observer = new RecordingObserver();
    await using source = await Credentials.fromPem(pem).open({ observer });
    assert.equal(observer.of("credentials.rejected")[0]?.reason, reason);
    const evidence = ownCertificateFault(source.current(), now);
    assert.equal(evidence?.rule, rule);
    assert.ok(evidence?.advice && evidence.found && evidence.ownCertificate);
  }
});

Deno.test("ownCertificateFault() asks for the purpose of the role, and for none without a certificate", async () => {
  const now = Date.now();
  const clientOnly = await materialOf(own("client-only"));
  assert.equal(ownCertificateFault(clientOnly, now), undefined);
  assert.equal(ownCertificateFault(clientOnly, now, "client"), undefined);
  assert.equal(ownCertificateFault(clientOnly, now, "server")?.rule, "own.unsuitable");
  assert.equal(ownCertificateFault(await materialOf({ ca, oneWay: true }), now), undefined);
});

Deno.test("ownCertificateFault() says how far the clock would have to be off", async () => {
  const material = await materialOf(good);
  const { notBefore, notAfter } = material.own?.leaf ?? assert.fail();
  assert.equal(ownCertificateFault(material, notBefore), undefined);
  assert.equal(ownCertificateFault(material, notAfter + 999), undefined);
  const early = ownCertificateFault(material, notBefore - 90_000);
  assert.equal(early?.clockOffBySeconds, 90);
  assert.match(early?.advice ?? "", /1m 30s in the future; is this machine's clock behind\?/);
  const late = ownCertificateFault(material, notAfter + 5_000);
  assert.equal(late?.clockOffBySeconds, -5);
});

Deno.test("Credentials report our certificate's age at two thirds, near the end and after it", async () => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const lifetime = makeCertificate({
    issuer: authorities.root,
    names: [{ uri: IDENTITY }],
    notBefore: clock.now(),
    notAfter: clock.now() + 899_000,
  });
  const observer = new RecordingObserver();
  await using _source = await Credentials
    .fromPem({ ca, cert: lifetime.pem, key: lifetime.keyPem })
    .open({ observer, clock });
  const stages = () =>
    observer.of("credentials.expiring").map((event) => [
      event.stage,
      event.secondsLeft,
    ]);
  clock.advance(599_999);
  assert.deepEqual(stages(), []);
  clock.advance(1);
  assert.deepEqual(stages(), [["two-thirds", 300]]);
  clock.advance(210_000);
  assert.deepEqual(stages().at(-1), ["nearly-over", 90]);
  clock.advance(90_000);
  assert.deepEqual(stages().at(-1), ["expired", 0]);
  clock.advance(60_000);
  assert.deepEqual(stages().at(-1), ["expired", -60]);
  assert.equal(stages().length, 4);
});

Deno.test("Credentials stop reminding once they are disposed of", async () => {
  const clock = new ManualClock();
  const source = await Credentials.fromPem(good).open({ observer: new RecordingObserver(), clock });
  assert.equal(clock.pending, 1);
  await source[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("Credentials.trustOnly() takes the public roots by name only", async () => {
  await using source = await Credentials.trustOnly({ ca: "system" }).open();
  const { mode, anchors, caPem } = source.current();
  assert.equal(mode, "trust-only");
  assert.ok(caPem.length > 50);
  const root = anchors?.all[0] ?? assert.fail();
  assert.equal(anchors?.vouchesForDomain(root, "example.org"), false);
});

Deno.test("Credentials.trustOnly() takes PEM and paths, and no empty ones", async () => {
  await using fromText = await Credentials.trustOnly({ ca }).open();
  assert.equal(fromText.current().anchors?.all.length, 1);
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, ca);
  await using fromFile = await Credentials.trustOnly({ ca: path }).open();
  assert.equal(fromFile.current().fingerprint, fromText.current().fingerprint);
  assert.throws(() => Credentials.trustOnly({ ca: "" }), ConfigurationError);
  await Deno.remove(path);
});

Deno.test("Credentials.fromFiles() and .watchFiles() refuse partial settings before anything is opened", () => {
  for (const open of [Credentials.fromFiles, Credentials.watchFiles]) {
    assert.throws(() => open({ ca: "a" }), ConfigurationError);
    assert.throws(() => open({ ca: "a", cert: "b" }), /without its private key/);
    assert.throws(() => open({ ca: "a", cert: "", key: "c" }), /cert: it is empty/);
    assert.throws(() => open({}), ConfigurationError);
    assert.throws(() => open({ oneWay: true }), ConfigurationError);
  }
});

Deno.test("Credentials.fromFiles() reads once, by path or URL, and names the file that is missing", async () => {
  const folder = await Deno.makeTempDir();
  const files = { ca: `${folder}/ca.pem`, cert: `${folder}/tls.pem`, key: `${folder}/tls.key` };
  const missing = await refusal(() => Credentials.fromFiles(files).open());
  assert.equal(missing.message, `ca: ${files.ca} does not exist`);
  await Deno.writeTextFile(files.ca, ca);
  await Deno.writeTextFile(files.cert, leaf.chainPem);
  await Deno.writeTextFile(files.key, leaf.keyPem);
  await using source = await Credentials.fromFiles({ ...files, ca: new URL(`file://${files.ca}`) })
    .open();
  assert.equal(source.current().fingerprint, (await materialOf(good)).fingerprint);
  const folderAsFile = await refusal(() => Credentials.fromFiles({ ...files, ca: folder }).open());
  assert.match(folderAsFile.message, /is not a file/);
  const swapped = { ...files, cert: files.key, key: files.cert };
  assert.equal(
    (await refusal(() => Credentials.fromFiles(swapped).open())).message,
    `cert: ${files.key}: it holds a private key and no certificate`,
  );
  const domains = { "": files.ca, "other.org": files.key };
  assert.match(
    (await refusal(() => Credentials.fromFiles({ ...files, ca: domains }).open())).message,
    new RegExp(`^ca: ${files.key}: the bundle of other\\.org`),
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Credentials.fromFiles() does not read a device or a huge file into memory", async () => {
  const huge = await Deno.makeTempFile();
  await Deno.truncate(huge, 1 << 30);
  const opening = Credentials.fromFiles({ ca: huge, oneWay: true });
  assert.match((await refusal(() => opening.open())).message, /is larger than/);
  const device = Credentials.fromFiles({ ca: "/dev/zero", oneWay: true });
  assert.match((await refusal(() => device.open())).message, /is not a file/);
  await Deno.remove(huge);
});

Deno.test("Credentials.fromEnv() reads paths and PEM, and an empty variable is an error", async () => {
  const prefix = `SELVAGE_TEST_${crypto.randomUUID().replaceAll("-", "")}_`;
  const set = (name: string, value: string) => Deno.env.set(prefix + name, value);
  const open = () => Credentials.fromEnv({ prefix }).open();
  const unset = await refusal(open);
  assert.equal(unset.setting, "cert");
  assert.ok(unset.message.startsWith(`cert: ${prefix}CERT is not set: mutual TLS needs`));
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, leaf.chainPem);
  set("CA", ca);
  set("CERT", path);
  set("KEY", "");
  assert.equal((await refusal(open)).message, `key: ${prefix}KEY: it is empty`);
  set("KEY", leaf.keyPem);
  {
    await using source = await open();
    assert.equal(source.current().fingerprint, (await materialOf(good)).fingerprint);
  }
  for (
    const [name, value, message] of [
      ["KEY", leaf.chainPem, `key: ${prefix}KEY: it holds a certificate and no private key`],
      ["CERT", leaf.keyPem, `cert: ${prefix}CERT: it holds a private key and no certificate`],
      ["CA", "/no/such/file", `ca: ${prefix}CA (/no/such/file) does not exist`],
      ["CA", "a,b", `${prefix}CA: two bundles without a trust domain are given`],
      ["CA", `${path},x.org=/no/such`, `ca: ${prefix}CA (/no/such) does not exist`],
    ] as const
  ) {
    const before = Deno.env.get(prefix + name)!;
    set(name, value);
    // As `fromEnv`, without waiting for files that may be on their way.
    const { message: found } = await refusal(() =>
      Promise.try(() => openWatched(partsOfEnv(prefix), { waitMs: 0, debounceMs: 1 }, {}))
    );
    assert.ok(found.startsWith(message), found);
    set(name, before);
  }
  set("ONE_WAY", "yes");
  assert.match((await refusal(open)).message, /ONE_WAY must be 1 or 0/);
  set("ONE_WAY", "1");
  {
    await using source = await open();
    assert.equal(source.current().mode, "one-way");
  }
  for (const name of ["CA", "CERT", "KEY", "ONE_WAY"]) Deno.env.delete(prefix + name);
  await Deno.remove(path);
});

function own(shape: keyof typeof shapes): CredentialPem {
  const certificate = shapes[shape]();
  return { ca, cert: certificate.chainPem, key: certificate.keyPem };
}
