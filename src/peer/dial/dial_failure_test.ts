import assert from "node:assert/strict";
import { nameDialFailure } from "./dial_failure.ts";

Deno.test("nameDialFailure() says what the code of a connection that failed means", () => {
  const why = (code: string): string => {
    const failure = {
      ok: false,
      stage: "connect",
      timedOut: false,
      code,
      firstBytes: NOTHING,
    } as const;
    return nameDialFailure(failure, CONTEXT).message.replace("worker w:1 cannot be reached: ", "");
  };
  assert.equal(why("ECONNREFUSED"), "ECONNREFUSED, nothing listens there");
  assert.equal(why("ENOTFOUND"), "ENOTFOUND, its name has no address");
  assert.equal(why("EHOSTUNREACH"), "EHOSTUNREACH, no route leads to that host");
  assert.equal(why("ENOENT"), "ENOENT, there is no such socket");
  assert.equal(why("EOTHER"), "EOTHER");
});

Deno.test("nameDialFailure() speaks of the peer that was dialled, where it is no worker", () => {
  const late = { ok: false, stage: "tls", timedOut: true, firstBytes: NOTHING } as const;
  const said = (called: string) => nameDialFailure(late, { ...CONTEXT, called }).message;
  assert.match(said("worker"), /handshake with worker w:1.*whether the worker is overloaded/);
  assert.match(said("etcd"), /handshake with etcd w:1.*whether etcd is overloaded/);
  for (const firstBytes of [ALERT, HTTP]) {
    const failure = { ok: false, stage: "tls", timedOut: false, firstBytes } as const;
    for (const alertReceived of ["protocol_version", "bad_certificate"]) {
      const { message } = nameDialFailure({ ...failure, alertReceived }, {
        ...CONTEXT,
        called: "etcd",
      });
      assert.doesNotMatch(message, /worker/);
    }
  }
});

const NOTHING = new Uint8Array(0);
const ALERT = Uint8Array.of(21, 3, 3, 0, 2, 2, 70);
const HTTP = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
const CONTEXT = {
  worker: { address: "w:1" },
  called: "worker",
  own: undefined,
  timeoutMs: 1_000,
  now: Date.now,
};
