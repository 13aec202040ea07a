/** Programs in JavaScript, and TypeScript that Deno runs without checking it, give options any value. */
import assert from "node:assert/strict";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const trust = new Trust();
const authenticate = () => ({ claims: {} });

const WORKER: readonly (readonly [options: object, message: RegExp])[] = [
  [{ verdict: "Strict" }, /^verdict is "private" or "strict", not "Strict"$/],
  [{ plaintext: "Accept" }, /^plaintext is "accept" or "refuse", not "Accept"$/],
  [{ strict: "false" }, /^strict is true or false, not "false"$/],
  [{ reflection: "off" }, /^reflection is true or false, not "off"$/],
  [{ minTlsVersion: "TLSv1.1" }, /^minTlsVersion is "TLSv1\.2" or "TLSv1\.3", not "TLSv1\.1"$/],
  [
    { authenticate: { require: "Both", authenticate } },
    /^require is "token" or "both" or "either", not "Both"$/,
  ],
  [{ authenticate: { require: "both" } }, /^authenticate is a function, /],
  [
    { denylist: { serial: ["01"] } },
    /the denylist has an unknown list "serial"; its lists are spiffeIds, serials, spkiSha256$/,
  ],
];

const DISPATCHER: readonly (readonly [options: object, message: RegExp])[] = [
  [{ announcements: "Signed" }, /^announcements is "any" or "signed", not "Signed"$/],
  [{ verdict: "Strict" }, /^verdict is "private" or "strict", not "Strict"$/],
  [{ strict: "false" }, /^strict is true or false, not "false"$/],
  [{ minTlsVersion: "TLSv1.1" }, /^minTlsVersion is "TLSv1\.2" or "TLSv1\.3", not "TLSv1\.1"$/],
  [{ denylist: { serial: ["01"] } }, /the denylist has an unknown list "serial"/],
];

/** Rejected with that message; what starts all the same is stopped. */
async function rejected(starting: () => Promise<AsyncDisposable>, message: RegExp): Promise<void> {
  const started = async () => {
    await using _started = await starting();
  };
  await assert.rejects(started, (error) => {
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a worker rejects a value that its option does not have", async () => {
  for (const [options, message] of WORKER) {
    await rejected(() => startWorker(trust, options), message);
  }
});

Deno.test("a dispatcher rejects a value that its option does not have", async () => {
  for (const [options, message] of DISPATCHER) {
    await rejected(() => openDispatcher(trust, "127.0.0.1:1", options), message);
  }
});
