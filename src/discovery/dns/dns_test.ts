import assert from "node:assert/strict";
import { TestNameServer } from "../../../tests/support/name_server.ts";
import { Watched } from "../../../tests/support/watched.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { dnsDiscovery, follow, srvDiscovery } from "./dns.ts";
import { type Lookup, serviceLookup } from "./lookups.ts";
import type { Resolver } from "./resolver.ts";

const NAME = "workers.internal";
const a = (data: string, ttl = 1, name = NAME) => ({ type: "A", name, ttl, data });
const worker = (address: string) => ({ address, expected: NAME });

/** Longer than any machine takes to answer. */
const PATIENT_MS = 60_000;
/** Where an answer does not come. One that does may be late by it, too: those tests wait for what they expect. */
const SHORT_MS = 100;

function discoveryOf(server: TestNameServer, timeoutMs = PATIENT_MS) {
  return dnsDiscovery(`${NAME}:8443`, { nameServer: server.address, refreshMs: 10, timeoutMs });
}

Deno.test("dns discovery finds the addresses of both families, and expects the name of each worker", async () => {
  await using server = await TestNameServer.open();
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1", 0)] });
  server.zone.set(`AAAA ${NAME}`, {
    records: [{ type: "AAAA", name: NAME, ttl: 0, data: "fd00::1" }],
  });
  await using watched = new Watched(discoveryOf(server));
  await watched.until((known) => known.length === 2);
  assert.deepEqual(watched.addresses, ["10.0.0.1:8443", "[fd00::1]:8443"]);
  assert.deepEqual(watched.known.get("10.0.0.1:8443")?.worker, worker("10.0.0.1:8443"));
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.2", 0)] });
  await watched.until((known) => known.includes("10.0.0.2:8443"));
  assert.deepEqual(watched.addresses, ["10.0.0.2:8443", "[fd00::1]:8443"]);
  assert.deepEqual(watched.failures, []);
});

Deno.test("dns discovery takes A where AAAA is dropped, says so, and asks for it again", async () => {
  await using server = await TestNameServer.open();
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1")] });
  server.zone.set(`AAAA ${NAME}`, "silence");
  await using watched = new Watched(discoveryOf(server, SHORT_MS));
  assert.deepEqual(await watched.until((known) => known.length > 0), ["10.0.0.1:8443"]);
  const dropped = /^workers\.internal AAAA: name server .* 100 ms$/;
  while (!watched.failures.some((failure) => dropped.test(failure))) await watched.next();
  server.zone.set(`AAAA ${NAME}`, {
    records: [{ type: "AAAA", name: NAME, ttl: 1, data: "fd00::1" }],
  });
  await watched.until((known) => known.length === 2);
});

Deno.test("dns discovery keeps what it found while the name server is ill, in every way", async () => {
  await using server = await TestNameServer.open();
  server.zone.set(`AAAA ${NAME}`, { records: [] });
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1", 0)] });
  await using watched = new Watched(discoveryOf(server, SHORT_MS));
  const reported = async (what: RegExp) => {
    while (!what.test(JSON.stringify(await watched.next())));
    assert.deepEqual(watched.addresses, ["10.0.0.1:8443"]);
  };
  await watched.until((known) => known.length > 0);
  for (const code of ["SERVFAIL", "REFUSED"] as const) {
    server.zone.set(`A ${NAME}`, { code });
    await reported(new RegExp(`failed.*answered ${code}`));
    server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1", 0)] });
    await reported(/^\[\]$/);
  }
  server.zone.set(`A ${NAME}`, "silence");
  await reported(/has not answered/);
});

Deno.test("dns discovery drops workers only where it is answered again that the name is gone", async () => {
  await using server = await TestNameServer.open();
  server.zone.set(`AAAA ${NAME}`, { records: [] });
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1", 0)] });
  await using watched = new Watched(discoveryOf(server));
  await watched.next();
  const before = server.asked.length;
  server.zone.delete(`A ${NAME}`);
  server.zone.delete(`AAAA ${NAME}`);
  await watched.next();
  assert.match(watched.failures[0]!, /no such name now; what was found is kept/);
  assert.deepEqual(watched.addresses, ["10.0.0.1:8443"]);
  await watched.until((known) => known.length === 0);
  assert.ok(server.asked.length - before >= 6);
  while (watched.failures.at(-1) !== "workers.internal: no such name") await watched.next();
});

Deno.test("dns discovery says of an unknown host that there is no such name", async () => {
  await using server = await TestNameServer.open();
  await using watched = new Watched(discoveryOf(server));
  await watched.next();
  assert.deepEqual(watched.failures, ["workers.internal: no such name"]);
});

Deno.test("dns discovery asks over TCP where an answer does not fit, and follows aliases", async () => {
  await using server = await TestNameServer.open();
  const alias = { type: "CNAME", name: NAME, ttl: 60, data: "pool.internal" };
  server.zone.set(`A ${NAME}`, { records: [alias] });
  server.zone.set(`AAAA ${NAME}`, { records: [alias] });
  const many = Array.from({ length: 200 }, (_, n) => a(`10.0.1.${n}`, 60, "pool.internal"));
  server.zone.set("A pool.internal", { records: many, truncated: true });
  server.zone.set("AAAA pool.internal", { records: [] });
  await using watched = new Watched(discoveryOf(server));
  await watched.until((known) => known.length === 200);
  assert.ok(server.asked.includes("A pool.internal tcp"));
});

Deno.test("dns discovery asks over TCP where an answer is cut within a record", async () => {
  await using server = await TestNameServer.open();
  server.zone.set(`A ${NAME}`, { records: [a("10.0.0.1"), a("10.0.0.2")], truncated: "within" });
  server.zone.set(`AAAA ${NAME}`, { records: [] });
  await using watched = new Watched(discoveryOf(server));
  await watched.until((known) => known.length === 2);
  assert.deepEqual(server.asked.filter((question) => question.startsWith("A ")), [
    `A ${NAME} udp`,
    `A ${NAME} tcp`,
  ]);
});

Deno.test("dns discovery takes many addresses of one answer", async () => {
  await using server = await TestNameServer.open();
  const many = Array.from({ length: 1_500 }, (_, n) => a(`10.${n >> 8}.0.${n & 255}`, 60));
  server.zone.set(`A ${NAME}`, { records: many, truncated: true });
  server.zone.set(`AAAA ${NAME}`, { records: [] });
  await using watched = new Watched(discoveryOf(server));
  await watched.until((known) => known.length === many.length);
});

Deno.test("dns discovery looks again when the records' time is over, not before", async () => {
  let looks = 0;
  const waits: number[] = [];
  const stop = new AbortController();
  const clock = {
    now: () => 0,
    steady: () => 0,
    schedule: (callback: () => void, delayMs: number) => {
      waits.push(delayMs);
      if (waits.length === 4) stop.abort();
      queueMicrotask(callback);
      return { [Symbol.dispose]: () => {} };
    },
  };
  const holds = [30_000, 100, 0, 9e6];
  const lookup = {
    label: "A",
    find: () => Promise.resolve({ addresses: ["10.0.0.1:1"], holdsMs: holds[looks++]! }),
  };
  for await (const _ of follow([lookup], { name: NAME, clock }, stop.signal));
  assert.deepEqual(waits, [30_000, 1_000, 5_000, 300_000]);
});

Deno.test("dns+srv discovery finds the servers of the best priority that have an address", async () => {
  await using server = await TestNameServer.open();
  const service = "_selvage._tcp.pool.internal";
  const srv = (target: string, priority: number, port: number) => ({
    type: "SRV",
    name: service,
    ttl: 0,
    data: { target, port, priority, weight: 0 },
  });
  server.zone.set(`SRV ${service}`, {
    records: [
      srv("w_1.internal", 10, 8443),
      srv("w2.internal", 10, 8444),
      srv("w3.internal", 20, 1),
    ],
  });
  server.zone.set("A w_1.internal", { records: [a("10.0.0.1", 0, "w_1.internal")] });
  server.zone.set("A w2.internal", { records: [a("10.0.0.2", 0, "w2.internal")] });
  server.zone.set("A w3.internal", { records: [a("10.0.0.3", 0, "w3.internal")] });
  const discovery = srvDiscovery(service, {
    nameServer: server.address,
    refreshMs: 10,
    timeoutMs: PATIENT_MS,
  });
  assert.equal(discovery.namesWorkers, false);
  await using watched = new Watched(discovery);
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:8443", "10.0.0.2:8444"]);
  server.zone.delete("A w_1.internal");
  server.zone.delete("A w2.internal");
  await watched.until((known) => known[0] === "10.0.0.3:1");
  server.zone.set(`SRV ${service}`, { records: [srv(".", 0, 0)] });
  await watched.until((known) => known.length === 0);
});

Deno.test("dns discovery needs a name and a port", () => {
  for (
    const endpoint of [
      "10.0.0.1:8443",
      "10.0.0.1.:8443",
      "[::1]:8443",
      "workers.internal:0",
      "workers",
    ]
  ) {
    assert.throws(() => dnsDiscovery(endpoint), {
      name: "ConfigurationError",
      message: "dns discovery needs a host name and a port, such as dns:workers.internal:8443, " +
        `not "${endpoint}"`,
    });
  }
  for (const nameServer of ["localhost", "unix:/run/dns", "10.0.0.2:0"]) {
    assert.throws(() => dnsDiscovery("workers.internal:8443", { nameServer }), {
      name: "ConfigurationError",
      message:
        `a name server (ns) is an IP address and a port, such as 10.0.0.2:53, not "${nameServer}"`,
    });
  }
  for (const name of ["", "a b", "."]) {
    const message = `dns+srv discovery needs the name of a service, not ${JSON.stringify(name)}`;
    assert.throws(() => srvDiscovery(name), { name: "ConfigurationError", message });
  }
  assert.throws(() => srvDiscovery(`${"x".repeat(64)}.internal`), ConfigurationError);
});

Deno.test("dns discovery takes name servers as resolv.conf writes them", () => {
  for (const nameServer of ["10.0.0.2", "::1", "fd00::53", "fe80::1%eth0", "[::1]:5353"]) {
    const { source } = srvDiscovery("_selvage._tcp.pool.internal", { nameServer });
    assert.equal(source, `dns+srv:_selvage._tcp.pool.internal?ns=${nameServer}`);
  }
});

Deno.test("dns+srv discovery uses the servers it finds, and keeps those that an ill name server knows", async () => {
  await using server = await TestNameServer.open();
  const service = "_selvage._tcp.pool.internal";
  const hosts = ["w1.internal", "w2.internal", "w3.internal"];
  const records = (names: readonly string[]) =>
    names.map((target) => ({
      type: "SRV",
      name: service,
      ttl: 0,
      data: { target, port: 1, priority: 0, weight: 0 },
    }));
  server.zone.set(`SRV ${service}`, { records: records(hosts.slice(0, 2)) });
  hosts.forEach((host, at) =>
    server.zone.set(`A ${host}`, { records: [a(`10.0.0.${at + 1}`, 0, host)] })
  );
  await using watched = new Watched(
    srvDiscovery(service, { nameServer: server.address, refreshMs: 10, timeoutMs: PATIENT_MS }),
  );
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.2:1"]);
  for (const type of ["A", "AAAA"]) server.zone.set(`${type} w1.internal`, { code: "SERVFAIL" });
  server.zone.set(`SRV ${service}`, { records: records(hosts) });
  await watched.until((known) => known.includes("10.0.0.3:1"));
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
  const ill = /SRV: w1\.internal: name server .* answered SERVFAIL/;
  assert.ok(watched.failures.some((message) => ill.test(message)), watched.failures.join());
  // What others have left is not kept for the sake of the one that is not told.
  server.zone.set("A w2.internal", { records: [a("10.0.0.4", 0, "w2.internal")] });
  server.zone.set(`SRV ${service}`, { records: records(hosts.slice(0, 2)) });
  await watched.until((known) => known.includes("10.0.0.4:1") && !known.includes("10.0.0.3:1"));
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.4:1"]);
  for (const type of ["A", "AAAA"]) server.zone.delete(`${type} w1.internal`);
  await watched.until((known) => !known.includes("10.0.0.1:1"));
});

Deno.test("dns+srv discovery looks up at most 256 servers, 16 at once", async () => {
  let [now, most, asked] = [0, 0, 0];
  const servers = Array.from({ length: 3_000 }, (_, at) => ({
    type: "SRV",
    name: NAME,
    ttl: 1,
    data: { target: `w${at}.internal`, port: 1, priority: at < 20 ? 0 : 1, weight: 0 },
  }));
  const resolver = {
    async resolve(name: string, type: string) {
      if (type === "SRV") return { records: servers, ttl: 1 };
      [now, asked] = [now + 1, asked + 1];
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
      return name === "w20.internal" && type === "A"
        ? { records: [a("10.0.0.9", 1, name)], ttl: 1 }
        : { records: [], none: "no such name" };
    },
  } as unknown as Resolver;
  const { signal } = new AbortController();
  const found = await serviceLookup(resolver, NAME).find(signal);
  assert.deepEqual(found.addresses, ["10.0.0.9:1"]);
  assert.equal(asked, 256 * 2);
  assert.ok(most <= 32, `${most} at once`);
});

Deno.test("dns+srv discovery takes so many addresses of all servers and no more", async () => {
  const servers = Array.from({ length: 40 }, (_, at) => ({
    data: { target: `w${at}.internal`, port: 1, priority: 0, weight: 0 },
  }));
  const resolver = {
    resolve(name: string, type: string) {
      if (type === "SRV") return Promise.resolve({ records: servers, ttl: 1 });
      const host = Number(/\d+/.exec(name));
      const records = Array.from(
        { length: 4_000 },
        (_, at) => a(`10.${host}.${at >> 8}.${at & 255}`),
      );
      return Promise.resolve(type === "A" ? { records, ttl: 1 } : { records: [] });
    },
  } as unknown as Resolver;
  const { addresses } = await serviceLookup(resolver, NAME).find(new AbortController().signal);
  assert.equal(addresses.length, 65_536);
});

Deno.test("dns discovery ends with its signal, though the machine's resolver does not answer", async () => {
  const stop = new AbortController();
  const silent: Lookup = { label: "addresses", find: () => new Promise(() => {}) };
  const first = follow([silent], { name: NAME }, stop.signal).next();
  stop.abort();
  assert.deepEqual(await first, { done: true, value: undefined });
});
