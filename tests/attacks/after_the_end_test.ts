/**
 * A peer that has sent close_notify (RFC 8446 §6.1) is still owed answers. What it sends afterwards is discarded,
 * and beyond a limit the connection ends.
 */
import assert from "node:assert/strict";
import type { ServerConnectionOptions } from "../../src/http2/mod.ts";
import { listenAs } from "../support/peers.ts";
import { connectRaw, type RawPeer, signingKey } from "../support/raw_tls/mod.ts";
import { authorities, flawless, HTTP2 } from "./raw_attack.ts";

const { root } = authorities;
const MIB = 1024 * 1024;
const SETTINGS_ACK = Uint8Array.of(0, 0, 0, 4, 1, 0, 0, 0, 0);
/** GET / of host x, the whole request. */
const REQUEST = Uint8Array.of(0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x87, 0x84, 0x41, 1, 0x78);

/** Ends our direction, and goes on until the other end hangs up. */
async function floodAfterEnd(raw: RawPeer): Promise<void> {
  await raw.closeNotify();
  const piece = new Uint8Array(MIB / 4);
  let sent = 0;
  do {
    sent += piece.length;
    assert.ok(sent <= 32 * MIB, "the flood was never cut off");
    await raw.application(piece);
  } while (await raw.send());
}

Deno.test("a worker cuts off a client that floods it after its end, while a call is under way", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const onPeer = (): ServerConnectionOptions => ({
    onRequest: (stream) => {
      stream.sendHeaders([":status", "200"], false);
      return { data: () => {}, trailers: () => {}, closed: ({ how }) => resolve(how) };
    },
  });
  const shown = { certificate: flawless.server, trusts: [root] };
  await using listener = await listenAs(shown, { onPeer });
  assert.ok(listener.address.kind === "tcp");
  using raw = await connectRaw(listener.address);
  await raw.authenticate([flawless.client.der], await signingKey(flawless.client.keyPem));
  for (const frame of [HTTP2, SETTINGS_ACK, REQUEST]) await raw.application(frame);
  await floodAfterEnd(raw);
  assert.equal(await ended, "connection-lost");
});
