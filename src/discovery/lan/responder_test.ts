import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { decodeMessage, encodeQuery, type LanMessage } from "./message.ts";
import type { Multicast } from "./multicast.ts";
import { lanNames } from "./names.ts";
import { type LanNetwork, networksOf } from "./networks.ts";
import { Responder } from "./responder.ts";
import { readText, writeText } from "./text_record.ts";

const names = lanNames("pool");
const announcement = { id: "w", address: "0.0.0.0:8443", tls: true, tags: ["gpu"] };
const { signal } = new AbortController();
const info = { mac: "", internal: false };

const [IPV4, IPV6] = networksOf({
  eth0: [
    { ...info, address: "10.0.0.1", family: "IPv4", netmask: "255.0.0.0", cidr: "10.0.0.1/8" },
    { ...info, address: "fe80::1", family: "IPv6", netmask: "", cidr: "fe80::1/64", scopeid: 1 },
    { ...info, address: "fd00::1", family: "IPv6", netmask: "", cidr: "fd00::1/64", scopeid: 0 },
  ],
}, undefined) as [LanNetwork, LanNetwork];

/** A responder on networks that only keeps what it is sent. */
async function setUp(
  over: Partial<typeof announcement> = {},
  networks: readonly LanNetwork[] = [IPV4],
) {
  const clock = new ManualClock();
  const sent: LanMessage[] = [];
  const failures: string[] = [];
  const network = { works: true, joins: false };
  const multicast = {
    refresh: () => Promise.resolve(network.joins),
    send: (message: Parameters<Multicast["send"]>[0]) => {
      if (!network.works) return Promise.reject(new Error("the network is down"));
      for (const one of networks) {
        const bytes = message(one);
        if (bytes !== undefined) sent.push(decodeMessage(bytes));
      }
      return Promise.resolve();
    },
    [Symbol.dispose]: () => {},
  } as unknown as Multicast;
  let hear!: (message: LanMessage) => void;
  const responder = await Responder.announce(
    (onMessage) => {
      hear = onMessage;
      return { names, multicast, clock, random: () => 0.5 };
    },
    { ...announcement, ...over },
    { signal, onFailure: (message) => failures.push(message) },
  );
  const ask = (...query: Parameters<typeof encodeQuery>) =>
    hear(decodeMessage(encodeQuery(...query)));
  return { clock, sent, failures, network, responder, ask };
}

const forFleet = [{ name: names.fleet, type: "PTR" }];

Deno.test("Responder announces twice, and says goodbye", async () => {
  const { clock, sent, responder } = await setUp();
  assert.equal(sent.length, 1);
  await clock.advanceInTurns(1_000);
  assert.equal(sent.length, 2);
  const [pointer, , server, , address] = sent[0]!.records;
  assert.equal(pointer!.name, names.fleet);
  assert.deepEqual(sent[0]!.records.map(({ ttl }) => ttl), Array(6).fill(60));
  assert.deepEqual((server as { data: { port: number } }).data.port, 8443);
  assert.deepEqual([address!.type, address!.data], ["A", "10.0.0.1"]);
  await responder[Symbol.asyncDispose]();
  assert.deepEqual(sent.at(-1)!.records.map(({ ttl }) => ttl), Array(5).fill(0));
  await responder[Symbol.asyncDispose]();
  assert.equal(sent.length, 3);
  assert.deepEqual(clock.delays, []);
});

Deno.test("Responder answers once a second, however many ask", async () => {
  const { clock, sent, responder, ask } = await setUp();
  await clock.advanceInTurns(1_000);
  for (let second = 0; second < 3; second++) {
    for (let n = 0; n < 1_000; n++) ask(forFleet);
    await clock.advanceInTurns(1_000);
  }
  assert.equal(sent.length, 2 + 3);
  await responder[Symbol.asyncDispose]();
});

Deno.test("Responder answers what is asked of it, and not who knows it already", async () => {
  const { clock, sent, responder, ask } = await setUp();
  await clock.advanceInTurns(2_000);
  const [pointer, , server, , address] = sent[0]!.records;
  const answers = async (...query: Parameters<typeof encodeQuery>) => {
    const before = sent.length;
    ask(...query);
    await clock.advanceInTurns(2_000);
    return sent.length > before;
  };
  for (const { name } of [pointer!, server!, address!]) {
    assert.ok(await answers([{ name, type: "ANY" }]), name);
  }
  assert.ok(await answers([{ name: names.service, type: "PTR" }]));
  assert.ok(await answers([{ name: "_services._dns-sd._udp.local", type: "PTR" }]));
  assert.equal(await answers([{ name: names.fleet, type: "A" }]), false);
  assert.equal(await answers([{ name: "_http._tcp.local", type: "PTR" }]), false);
  assert.equal(await answers(forFleet, [{ ...pointer!, ttl: 30 } as never]), false);
  assert.ok(await answers(forFleet, [{ ...pointer!, ttl: 29 } as never]));
  await responder[Symbol.asyncDispose]();
});

Deno.test("Responder announces again on a new network, and reports once that there is none", async () => {
  const { clock, sent, failures, network, responder, ask } = await setUp();
  await clock.advanceInTurns(1_000);
  network.joins = true;
  await clock.advanceInTurns(15_000);
  assert.equal(sent.length, 3);
  network.works = false;
  for (let n = 0; n < 3; n++) {
    ask(forFleet);
    await clock.advanceInTurns(15_000);
  }
  assert.deepEqual(failures, ["the network is down"]);
  await responder[Symbol.asyncDispose]();
});

Deno.test("Responder announces an address, a host, and nothing that is on no network", async () => {
  const records = async (address: string) => {
    const { sent, responder } = await setUp({ address });
    await responder[Symbol.asyncDispose]();
    return sent[0]!.records;
  };
  const v6 = (await records("[fd00::1]:1")).find(({ type }) => type === "AAAA");
  assert.equal(v6?.data, "fd00::1");
  const named = await records("w1.example.org:1");
  assert.deepEqual(named.filter(({ type }) => type === "A"), []);
  assert.match(JSON.stringify(named), /"target":"w1.example.org"/);
  await assert.rejects(records("unix:/run/w"), /unix:\/run\/w is not on a network/);
});

Deno.test("Responder announces a worker that listens everywhere by an address at which it is reached", async () => {
  const announced = async (address: string) => {
    const { sent, responder } = await setUp({ address }, [IPV4, IPV6]);
    await responder[Symbol.asyncDispose]();
    // The first announcement on each network.
    return sent.slice(0, 2).map(({ records }) =>
      records.find(({ type }) => type === "A" || type === "AAAA")?.data
    );
  };
  assert.deepEqual(await announced("0.0.0.0:1"), ["10.0.0.1", "10.0.0.1"]);
  assert.deepEqual(await announced("[::]:1"), ["10.0.0.1", "fd00::1"]);
  const { sent, responder } = await setUp({}, [{ ...IPV6, ipv4: undefined }]);
  await responder[Symbol.asyncDispose]();
  assert.deepEqual(sent, []);
});

Deno.test("a TXT record holds an announcement with its signature, or says that it is too long", () => {
  const signed = Array.from({ length: 3_000 }, (_, at) => String.fromCharCode(33 + at % 90)).join(
    "",
  );
  const whole = { ...announcement, tags: ["a=b", "", "ü"], signed };
  const { tls: _, ...expected } = { ...whole, address: "a:1" };
  assert.deepEqual(readText(writeText(whole), "a:1"), expected);
  assert.throws(() => writeText({ ...announcement, tags: ["x".repeat(300)] }), /too long/);
  assert.throws(() => writeText({ ...announcement, signed: "x".repeat(9_000) }), /carries 8000/);
});
