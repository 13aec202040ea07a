import assert from "node:assert/strict";
import { Overloaded } from "../../errors/mod.ts";
import type { ArrivingCall } from "../../rpc/mod.ts";
import type { ConnectedPeer } from "../connected_peer.ts";
import { type AdmitCall, askAdmitHook } from "./admit_hook.ts";

const ARRIVING = { fields: [], peer: { caller: {} } } as unknown as ArrivingCall<ConnectedPeer>;

/** What a call is refused with. */
async function asked(admit: AdmitCall): Promise<Error | undefined> {
  const options = { admit, load: () => ({ inFlight: 0, queued: 0 }), failed: () => {} };
  return await askAdmitHook(options, "math.add", ARRIVING, undefined);
}

Deno.test("an admit hook's answer is waited for, whatever kind of promise it is", async () => {
  // deno-lint-ignore no-explicit-any
  const thenable = (answer: unknown): any => ({
    then: (taken: (answer: unknown) => void) => void taken(answer),
  });
  for (const later of [thenable, (answer: unknown) => Promise.resolve(answer as boolean)]) {
    assert.ok(await asked(() => later(false)) instanceof Overloaded);
    assert.equal((await asked(() => later("full")))?.message, "full");
    assert.equal(await asked(() => later(true)), undefined);
  }
});
