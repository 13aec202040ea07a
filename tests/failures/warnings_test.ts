import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { failedCall, openDispatcher, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID).fine();

const CALLS = 12;

Deno.test("both ends warn once of a handshake that goes on failing, and report how often they held back", async () => {
  const warnings: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => warnings.push(record) },
    loggers: [
      { category: "selvage", lowestLevel: "warning", sinks: ["memory"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: [] },
    ],
  });
  try {
    await using expired = await startWorker({ certificate: ofWorker.expired(), trusts: [root] });
    await using choosy = await startWorker({ certificate: ofWorker.fine(), trusts: [root] }, {
      allow: "spiffe://example.org/nobody",
    });
    for (const { address } of [expired, choosy]) {
      await using dispatcher = await openDispatcher(
        { certificate: client, trusts: [root] },
        address,
        { limits: { shortestBackoffMs: 1, longestBackoffMs: 60_000 } },
      );
      for (let call = 0; call < CALLS; call++) await failedCall(dispatcher);
    }
  } finally {
    await reset();
  }
  const reported = warnings.map(({ properties: { type, reason, kind, heldBack } }) =>
    kind === undefined ? `${type} ${reason}` : `${kind}: ${heldBack}`
  );
  const counts = Object.groupBy(reported, (line) => line);
  for (
    const line of [
      "handshake.failed certificate-expired",
      "handshake.refused certificate-expired",
      "handshake.failed client-certificate-refused",
      "handshake.refused subject-not-allowed",
    ]
  ) {
    assert.equal(counts[line]?.length, 1, `${line} in ${reported.join()}`);
    const held = reported.find((other) => other.startsWith(`${line}: `)) ??
      assert.fail(reported.join());
    assert.ok(Number(held.split(": ")[1]) >= CALLS - 1, held);
  }
});
