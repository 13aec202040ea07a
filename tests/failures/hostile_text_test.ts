/** Text that a peer made, wherever it is shown: it stays on its line, and stays short. */
import assert from "node:assert/strict";
import { configure, getTextFormatter, type LogRecord, reset } from "@logtape/logtape";
import { routine } from "../../src/contract/mod.ts";
import { selvage } from "../cli/command.ts";
import { makeAuthorities, makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { add, failedCall, next, openDispatcher, startWorker } from "./ground.ts";

const { root, foreign } = makeAuthorities();
const ATTACK = "\r\nhandshake ok\u001b[2J\u001b]0;owned\u0007\u0000\u009b31m\u202e\u2028";
const LONG = `${ATTACK}${"A".repeat(900)}`;

/** A sentence of ours holds several texts of a peer, each cut. */
const LONGEST = 4096;

/** Asserts that no text within a value could do harm where it is shown. */
function assertHarmless(value: unknown, where = "value"): void {
  if (typeof value === "string") {
    assert.doesNotMatch(value, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, where);
    assert.ok(value.length <= LONGEST, `${where} has ${value.length} characters`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) assertHarmless(member, `${where}.${key}`);
  }
}

/** Runs `body` and gives every line that was logged meanwhile, as a console would show it. */
async function logged(body: () => Promise<void>): Promise<readonly string[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => records.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "debug", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    await body();
  } finally {
    await reset();
  }
  for (const { properties } of records) assertHarmless(properties, "properties");
  const format = getTextFormatter();
  return records.map((record) => format(record).trimEnd());
}

/** Certificates whose texts are an attack, in the subject, in the issuer, and in names of every kind. */
const HOSTILE: Readonly<Record<string, (identity: string) => TestCertificate>> = {
  "subject": () => makeCertificate({ name: LONG, issuer: root }),
  "issuer": (identity) =>
    makeCertificate({
      names: [{ uri: identity }],
      issuer: makeCertificate({ name: LONG, authority: true }),
    }),
  "DNS name": () => makeCertificate({ names: [{ dns: LONG }], issuer: root }),
  "URI": () => makeCertificate({ names: [{ uri: `urn:${LONG}` }], issuer: root }),
  "SPIFFE ID": () => makeCertificate({ names: [{ uri: `spiffe://${LONG}/x` }], issuer: root }),
  "hundreds of names": () =>
    makeCertificate({
      names: Array.from({ length: 500 }, (_, at) => ({ dns: `n${at}.pool.internal` })),
      issuer: root,
    }),
  "subject, foreign": () => makeCertificate({ name: LONG, issuer: foreign }),
};

for (const [where, make] of Object.entries(HOSTILE)) {
  Deno.test(`a hostile ${where} of a worker is shown escaped and cut, in errors, events and the log`, async () => {
    const client = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root });
    const lines = await logged(async () => {
      await using worker = await startWorker({ certificate: make(WORKER_ID), trusts: [root] });
      await using dispatcher = await openDispatcher(
        { certificate: client, trusts: [root] },
        worker.address,
      );
      const { error, event } = await failedCall(dispatcher);
      assert.equal(error.side, "dispatcher");
      assertHarmless(error.message);
      assertHarmless({ ...error });
      assertHarmless(event);
      assertHarmless(
        dispatcher.workers().map(({ lastFailure, ...rest }) => [
          rest,
          lastFailure?.message,
        ]),
      );
    });
    assert.ok(lines.some((line) => line.includes("failed")));
    lines.forEach((line) => assertHarmless(line, "line"));
  });

  Deno.test(`a hostile ${where} of a client is shown escaped and cut, in events and the log`, async () => {
    const certificate = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
    const lines = await logged(async () => {
      await using worker = await startWorker({ certificate, trusts: [root] });
      using events = worker.events();
      await using dispatcher = await openDispatcher(
        { certificate: make(CLIENT_ID), trusts: [root] },
        worker.address,
      );
      const { error } = await failedCall(dispatcher);
      assert.equal(error.reason, "client-certificate-refused");
      const refused = await next(events, "handshake.refused");
      assert.equal(refused.side, "worker");
      assertHarmless(refused);
    });
    lines.forEach((line) => assertHarmless(line, "line"));
  });
}

Deno.test("a hostile common name of a client that is allowed is shown escaped and cut", async () => {
  const certificate = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
  const lines = await logged(async () => {
    await using worker = await startWorker({ certificate, trusts: [root] }, { allow: "*" });
    using events = worker.events();
    const client = makeCertificate({ name: LONG, issuer: root });
    await using dispatcher = await openDispatcher(
      { certificate: client, trusts: [root] },
      worker.address,
    );
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
    const { peer } = await next(events, "peer.accepted");
    assert.match(peer.identity ?? "", /^cn:\\r\\nhandshake ok/);
    assertHarmless(peer);
    assertHarmless(worker.peers());
  });
  lines.forEach((line) => assertHarmless(line, "line"));
});

Deno.test("doctor shows a hostile certificate escaped and cut, to people and to scripts", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/ca.pem`, root.pem);
    const certificate = makeCertificate({
      name: LONG,
      names: [{ uri: `urn:x:${"A".repeat(10_000)}` }],
      issuer: makeCertificate({ name: LONG, authority: true }),
    });
    await using worker = await startWorker({ certificate, trusts: [root] });
    const args = ["doctor", "--endpoint", worker.address, "--ca", `${folder}/ca.pem`];
    args.push("--identity", WORKER_ID);
    const [shown, json] = await Promise.all([selvage(args), selvage([...args, "--json"])]);
    assert.deepEqual([shown.code, json.code], [4, 4], shown.err);
    for (const line of shown.out.trimEnd().split("\n")) {
      assertHarmless(line, "line");
      assert.doesNotMatch(line, /^handshake ok/);
    }
    assert.ok(shown.out.includes("\\r\\nhandshake ok\\u001b[2J"));
    assertHarmless(JSON.parse(json.out));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what a routine throws and what it returns is printed as JSON that no terminal obeys", async () => {
  const text = `${ATTACK}\u{e0041}`;
  const routines = {
    fail: routine("hostile.fail", () => {
      throw Object.assign(new RangeError(text), { code: text, [text]: "stays" });
    }),
    give: routine("hostile.give", () => text),
  };
  await using worker = await startWorker(undefined, { routines });
  const call = (name: string) => selvage(["call", name, "[]", "--endpoint", worker.address]);
  const [failed, given] = await Promise.all([call("hostile.fail"), call("hostile.give")]);
  assert.deepEqual([failed.code, given.code], [1, 0], failed.err + given.err);
  assertHarmless(failed.err.trimEnd());
  assertHarmless(given.out.trimEnd());
  assert.equal(JSON.parse(given.out), text);
  const { message, data } = JSON.parse(failed.err);
  assert.deepEqual([message, data], [text, { code: text }]);
});
