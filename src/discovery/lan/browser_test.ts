import assert from "node:assert/strict";
import { Browser } from "./browser.ts";
import { decodeMessage, encodeResponse, type LanRecord } from "./message.ts";
import { lanNames } from "./names.ts";

const names = lanNames("pool");
const [name, host] = [`a.${names.service}`, "a.local"];
const pointer: LanRecord = { name: names.fleet, type: "PTR", ttl: 60, data: name };
const server: LanRecord = { name, type: "SRV", ttl: 60, data: { target: host, port: 8443 } };
const address: LanRecord = { name: host, type: "A", ttl: 60, data: "10.0.0.1" };

/** A TXT record. */
function text(...strings: string[]): LanRecord {
  return {
    name,
    type: "TXT",
    ttl: 60,
    data: strings.map((each) => new TextEncoder().encode(each)),
  };
}

/** A browser that has heard some records, through the wire form. */
function browserOf(records: readonly LanRecord[], at = 0): Browser {
  const browser = new Browser(names, false);
  browser.hear(decodeMessage(encodeResponse(records)), at);
  return browser;
}

const addresses = (browser: Browser, at = 0) =>
  [...browser.heard(at).workers.values()].map(({ address }) => address);

Deno.test("Browser finds a worker once its name, its server, its text and an address are known", () => {
  const records = [pointer, server, text("txtvers=1", "id=w", "tag.0=gpu", "tag.1=a,b"), address];
  assert.deepEqual([...browserOf(records).heard(0).workers.values()], [
    { address: "10.0.0.1:8443", id: "w", tags: ["gpu", "a,b"] },
  ]);
  for (let missing = 1; missing < records.length; missing++) {
    const browser = browserOf(records.filter((_, at) => at !== missing));
    assert.deepEqual(addresses(browser), []);
    assert.ok(browser.isIncomplete);
    assert.ok(decodeMessage(browser.query(0)).questions.length > 1, "it asks for what is missing");
    browser.hear(decodeMessage(encodeResponse(records.slice(missing))), 0);
    assert.deepEqual(addresses(browser), ["10.0.0.1:8443"]);
  }
});

Deno.test("Browser takes what another program has announced, whose tags it does not know", () => {
  const [worker] = browserOf([pointer, server, text("path=/"), address]).heard(0).workers.values();
  assert.deepEqual(worker, { address: "10.0.0.1:8443" });
});

Deno.test("Browser forgets a worker when its records end, at a goodbye, and after two minutes at the latest", () => {
  const records = [pointer, server, text(), address];
  const browser = browserOf(records);
  assert.equal(browser.nextDue(0), 48_000);
  assert.deepEqual(addresses(browser, 59_999), ["10.0.0.1:8443"]);
  assert.deepEqual(addresses(browser, 60_000), []);
  const long = browserOf(records.map((record) => ({ ...record, ttl: 28_800 })));
  assert.deepEqual(addresses(long, 119_999), ["10.0.0.1:8443"]);
  assert.deepEqual(addresses(long, 120_000), []);
  for (const gone of [pointer, server]) {
    const left = browserOf(records);
    assert.ok(left.hear(decodeMessage(encodeResponse([{ ...gone, ttl: 0 }])), 1));
    assert.deepEqual(addresses(left, 1), []);
  }
});

Deno.test("Browser names the workers that it knows in its question, until half of their life is over", () => {
  const browser = browserOf([pointer, server, text(), address]);
  const known = (at: number) => decodeMessage(browser.query(at)).records.map(({ ttl }) => ttl);
  assert.deepEqual(known(10_000), [50]);
  assert.deepEqual(known(30_000), []);
});

Deno.test("Browser uses no address that cannot be that of another machine", () => {
  const at = (...records: LanRecord[]) => browserOf([pointer, server, text(), ...records]);
  const a = (data: string): LanRecord => ({ name: host, type: "A", ttl: 60, data });
  const aaaa = (data: string): LanRecord => ({ name: host, type: "AAAA", ttl: 60, data });
  for (
    const useless of [a("127.0.0.1"), a("0.0.0.0"), a("224.0.0.1"), aaaa("fe80::1"), aaaa("::1")]
  ) {
    const { workers, rejected } = at(useless).heard(0);
    assert.equal(workers.size, 0);
    assert.match(rejected[0]!, /none of its addresses can be dialled from here/);
  }
  assert.deepEqual(addresses(at(aaaa("fd00::1"))), ["[fd00::1]:8443"]);
  assert.deepEqual(addresses(at(aaaa("fd00::1"), aaaa("fe80::1"), a("10.0.0.9"))), [
    "10.0.0.9:8443",
  ]);
  const named = (target: string) =>
    browserOf([pointer, { ...server, data: { target, port: 1 } } as LanRecord, text()]);
  assert.deepEqual(addresses(named("w1.example.org")), ["w1.example.org:1"]);
  for (
    const own of ["localhost", "a.localhost", "127.1", "0", "2130706433", "0.0.0.0", "0x7f.1"]
  ) {
    assert.deepEqual(addresses(named(own)), [], own);
  }
  assert.deepEqual(addresses(named("10.0.0.7")), ["10.0.0.7:1"]);
  const loopback = new Browser(names, true);
  loopback.hear(decodeMessage(encodeResponse([pointer, server, text(), a("127.0.0.1")])), 0);
  assert.deepEqual(addresses(loopback), ["127.0.0.1:8443"]);
});

Deno.test("Browser rejects what is no announcement, and is not affected by what is of others", () => {
  const good = browserOf([pointer, server, text(), address]);
  const wrong: readonly LanRecord[][] = [
    [pointer, { ...server, data: { target: host, port: 0 } } as LanRecord, text(), address],
    [pointer, server, text(`id=${"x".repeat(240)}`, ...many("tag", 70)), address],
    [pointer, { ...server, data: { target: "a b.example.org", port: 1 } } as LanRecord, text()],
  ];
  for (const records of wrong) {
    const { workers, rejected } = browserOf(records).heard(0);
    assert.equal(workers.size, 0);
    assert.equal(rejected.length, 1);
    assert.match(rejected[0]!, /is no announcement/);
  }
  const others: readonly LanRecord[] = [
    { name: "_other._sub._selvage._tcp.local", type: "PTR", ttl: 60, data: `b.${names.service}` },
    { name: names.fleet, type: "PTR", ttl: 60, data: "b._http._tcp.local" },
    { name: "b.local", type: "A", ttl: 60, data: "10.0.0.2" },
    { ...server, name: `b.${names.service}` } as LanRecord,
  ];
  assert.equal(good.hear(decodeMessage(encodeResponse(others)), 0), false);
  assert.deepEqual(addresses(good), ["10.0.0.1:8443"]);
});

Deno.test("Browser asks well-formed questions, whatever names it has heard", () => {
  const odd = "\ufffd".repeat(60);
  for (const heard of [odd, "x".repeat(64), "a..b", `${"y.".repeat(124)}z`]) {
    const instance = `${heard}.${names.service}`;
    const browser = browserOf([pointer, text()]);
    const records: LanRecord[] = [
      { ...pointer, data: instance } as LanRecord,
      { ...server, data: { target: `${heard}.local`, port: 1 } } as LanRecord,
    ];
    browser.hear({ kind: "response", questions: [], records }, 0);
    const { questions } = decodeMessage(browser.query(0));
    assert.deepEqual(questions.map(({ name }) => name), [names.fleet, name]);
  }
});

Deno.test("Browser keeps at most 1,024 workers of a flood, and says that there are more", () => {
  const browser = browserOf([pointer, server, text(), address]);
  for (let at = 0; at < 100; at++) {
    const records = Array.from({ length: 40 }, (_, n): LanRecord => ({
      ...pointer,
      data: `${at}-${n}.${names.service}`,
    } as LanRecord));
    browser.hear(decodeMessage(encodeResponse(records)), 0);
  }
  const { workers, rejected } = browser.heard(0);
  assert.deepEqual([...workers.values()].map(({ address }) => address), ["10.0.0.1:8443"]);
  assert.deepEqual(rejected, ["more than 1024 workers are announced; the others are not used"]);
  assert.ok(browser.query(0).length < 9_000);
  assert.deepEqual(browser.heard(60_000).rejected, []);
});

function many(key: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${key}.${at}=x`);
}
