import assert from "node:assert/strict";
import { join } from "node:path";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { forge, type Forged, general, OID } from "../support/forge.ts";
import { selvage } from "./command.ts";
import { inProcess } from "./in_process.ts";

const root = forge({ subject: "root", authority: true });
const names = [general.dns("worker.pool.internal")];

type Files = Readonly<Record<string, readonly Forged[]>>;

const check = (files: Files, ...flags: string[]) => checkBy(inProcess, files, ...flags);

async function checkBy(run: typeof inProcess, files: Files, ...flags: string[]) {
  const folder = await Deno.makeTempDir();
  const paths = await Promise.all(
    Object.entries(files).map(async ([name, chain]) => {
      const path = join(folder, name);
      await Deno.writeTextFile(path, chain.map(({ der }) => writePem("CERTIFICATE", der)).join(""));
      return path;
    }),
  );
  const { code, out, err } = await run(["certs", "check", ...paths, ...flags]);
  const lines = out.trim() === "" ? [] : out.trim().split("\n").map((line) => JSON.parse(line));
  return { code, lines, err };
}

Deno.test("certs check passes what peers accept, and says what could be better and where to set it", async () => {
  const peer = forge({ issuer: root, names, purposes: [] });
  const { code, lines } = await checkBy(selvage, {
    "chain.pem": [peer],
    "ca.pem": [root],
  });
  assert.equal(code, 0);
  assert.deepEqual(lines.map(({ kind, ok }) => [kind, ok]), [["chain", true], ["bundle", true]]);
  const [advice] = lines[0].advice;
  assert.deepEqual([advice.rule, advice.field], ["leaf.purpose", "extendedKeyUsage"]);
  assert.match(advice.setting, /usages: \[digital signature/);
});

Deno.test("certs check ends with 4 where a peer would refuse, in the role or at all", async () => {
  const client = forge({ issuer: root, names, purposes: [OID.clientAuth] });
  assert.equal((await check({ "chain.pem": [client] }, "--as", "client")).code, 0);
  const asWorker = await check({ "chain.pem": [client] }, "--as", "worker");
  assert.equal(asWorker.code, 4);
  assert.match(asWorker.lines[0].refused[0].found, /is clientAuth, without serverAuth/);
  const stranger = await check({ "chain.pem": [forge({ names })], "ca.pem": [root] });
  assert.equal(stranger.code, 4);
  assert.equal(stranger.lines[0].refused[0].rule, "path.self-signed");
});

Deno.test("certs check --verdict strict counts advice as refused", async () => {
  const peer = forge({ issuer: root, names, keyUsage: undefined });
  assert.equal((await check({ "chain.pem": [peer] })).code, 0);
  const { code, lines } = await check({ "chain.pem": [peer] }, "--verdict", "strict");
  assert.equal(code, 4);
  assert.equal(lines[0].refused[0].rule, "leaf.key-usage");
});

Deno.test("certs check names a file without certificates as an error of usage", async () => {
  const { code, err } = await check({ "empty.pem": [] });
  assert.equal(code, 2);
  assert.match(err, /empty\.pem/);
});

Deno.test("certs check says how to make a self-signed leaf of what openssl makes an authority", async () => {
  const own = forge({ subject: "tool", authority: true, names });
  assert.equal((await check({ "tool.pem": [own] })).lines[0].kind, "bundle");
  const { code, lines } = await check({ "tool.pem": [own] }, "--as", "worker");
  assert.equal(code, 4);
  assert.equal(lines[0].refused[0].rule, "leaf.authority");
  assert.match(lines[0].refused[0].advice, /CA:FALSE/);
});

Deno.test("certs check refuses a chain whose only issuer has expired, without a bundle, too", async () => {
  const past = { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 };
  const authority = { subject: "intermediate", issuer: root, authority: true } as const;
  const renewed = forge(authority);
  const expired = forge({ ...authority, keys: renewed.keys, ...past });
  const leaf = forge({ issuer: renewed, names });
  const { code, lines } = await check({ "chain.pem": [leaf, expired] });
  assert.equal(code, 4);
  assert.equal(lines[0].refused[0].rule, "dates.expired");
  assert.match(lines[0].refused[0].found, /^the authority "CN=intermediate": it expired at/);
  assert.equal((await check({ "chain.pem": [leaf, expired, renewed] })).code, 0);
  assert.equal((await check({ "chain.pem": [leaf] })).code, 0);
});

Deno.test("certs check accepts a chain whose root was once signed by an older one, which has expired since", async () => {
  const past = { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 };
  const older = forge({ subject: "older", authority: true, ...past });
  const crossed = forge({
    subject: "root",
    authority: true,
    issuer: older,
    keys: root.keys,
    ...past,
  });
  const issuer = forge({ subject: "issuer", authority: true, issuer: root });
  const leaf = forge({ issuer, names });
  assert.equal((await check({ "chain.pem": [leaf, issuer, crossed] })).code, 0);
});

Deno.test("certs check refuses a bundle of which every authority has expired", async () => {
  const past = { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 };
  const expired = forge({ subject: "old", authority: true, ...past });
  const { code, lines } = await check({ "ca.pem": [expired] });
  assert.equal(code, 4);
  assert.match(lines[0].refused[0].found, /^the authority "CN=old": it expired at/);
  assert.equal((await check({ "ca.pem": [expired, root] })).code, 0);
});
