/** Once TLS has failed on a connection, the connection is over at once, and nothing that still arrives is kept. */
import assert from "node:assert/strict";
import { dialAs, handshakeErrorOf, listenAs } from "../support/peers.ts";
import {
  connectRaw,
  listenRaw,
  MESSAGE,
  message,
  type RawPeer,
  signingKey,
} from "../support/raw_tls/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { authorities, flawless, HTTP2, own } from "./raw_attack.ts";

const { root } = authorities;
const NEW_SESSION_TICKET = 4;
const KEY_UPDATE = 24;
const FATAL = 2;
const WARNING = 1;
const INTERNAL_ERROR = 80;
const USER_CANCELED = 90;
const NOTHING = new Uint8Array(0);

async function times(count: number, write: () => Promise<void> | void): Promise<void> {
  for (let time = 0; time < count; time++) await write();
}

/** What no peer may send once the handshake is done. */
const WAYS: readonly (readonly [string, (raw: RawPeer) => Promise<void>])[] = [
  ["begins another handshake", async (raw) => {
    await raw.handshake(message(MESSAGE.clientHello, new Uint8Array(64)));
  }],
  ["shows another certificate", (raw) => raw.certificate([own.der])],
  ["is finished twice", (raw) => raw.handshake(message(MESSAGE.finished, new Uint8Array(32)))],
  ["sends an invalid ticket", async (raw) => {
    await raw.handshake(message(NEW_SESSION_TICKET, new Uint8Array(3)));
  }],
  ["says that its key changes and keeps it", async (raw) => {
    await raw.handshake(message(KEY_UPDATE, Uint8Array.of(0)));
    await raw.application(HTTP2);
  }],
  ["changes its key in no way that there is", async (raw) => {
    await raw.handshake(message(KEY_UPDATE, Uint8Array.of(7)));
  }],
  ["floods with empty records", (raw) => times(64, () => raw.application(NOTHING))],
  ["floods with warnings", (raw) => times(64, () => raw.alert(WARNING, USER_CANCELED))],
  ["floods with change_cipher_spec", async (raw) => {
    await times(64, () => raw.asTheyAre(Uint8Array.of(20, 3, 3, 0, 1, 1)));
  }],
  ["sends a fatal alert", (raw) => raw.alert(FATAL, INTERNAL_ERROR)],
  ["sends a record under no key", (raw) => {
    raw.asTheyAre(Uint8Array.of(23, 3, 3, 0, 32, ...new Uint8Array(32)));
    return Promise.resolve();
  }],
  ["speaks plaintext", (raw) => {
    raw.asTheyAre(HTTP2);
    return Promise.resolve();
  }],
];

for (const [how, attack] of WAYS) {
  Deno.test(`a worker ends the connection of an allowed client that ${how}`, async () => {
    await using listener = await listenAs({ certificate: flawless.server, trusts: [root] });
    assert.ok(listener.address.kind === "tcp");
    using raw = await connectRaw(listener.address);
    await raw.authenticate([flawless.client.der], await signingKey(flawless.client.keyPem));
    await raw.application(HTTP2);
    await raw.send();
    await raw.untilApplication(1);
    const [{ connection } = assert.fail("it was not accepted")] = listener.connections();
    await attack(raw);
    await raw.send();
    const { how: end, error } = await connection.closed;
    assert.equal(end, "lost");
    // What TLS has against it, and not that it does not answer a PING.
    assert.match(String((error as { code?: unknown }).code), /^ERR_SSL_/);
    assert.deepEqual(listener.connections(), []);
  });

  Deno.test(`a dispatcher leaves a worker that ${how}`, async () => {
    const key = await signingKey(flawless.server.keyPem);
    await using server = listenRaw(async (raw) => {
      await raw.authenticate([flawless.server.der], key);
      await raw.send();
      await raw.untilApplication(HTTP2.length);
      await attack(raw);
      await raw.send();
    });
    // The clock stands: it leaves for what it has seen.
    const clock = new ManualClock(Date.now());
    const shown = { certificate: flawless.client, trusts: [root] };
    const error = await handshakeErrorOf(dialAs(shown, server.address, { clock }));
    assert.equal(error.reason, "tls-alert", error.message);
  });
}

Deno.test("a worker follows a client that changes its key, and ends one that does nothing else", async () => {
  await using listener = await listenAs({ certificate: flawless.server, trusts: [root] });
  assert.ok(listener.address.kind === "tcp");
  using raw = await connectRaw(listener.address);
  await raw.authenticate([flawless.client.der], await signingKey(flawless.client.keyPem));
  await raw.application(HTTP2);
  await raw.send();
  await raw.untilApplication(1);
  const [{ connection } = assert.fail("it was not accepted")] = listener.connections();
  for (let change = 0; change < 8; change++) {
    await raw.updateKey(false);
    // A PING: what is sent under each key is read.
    await raw.application(Uint8Array.of(0, 0, 8, 6, 0, 0, 0, 0, 0, ...new Uint8Array(8)));
    await raw.send();
  }
  // Its eight answers, and the SETTINGS before them.
  await raw.untilApplication(8 * 17);
  assert.equal(connection.state, "open");
  await times(1_000, () => raw.updateKey(true));
  await raw.send();
  const { how, error } = await connection.closed;
  assert.equal(how, "lost");
  assert.match(String((error as { code?: unknown }).code), /^ERR_SSL_/);
  const shown = { certificate: flawless.client, trusts: [root] };
  const other = await dialAs(shown, listener.address);
  assert.equal(other.connection.state, "open");
  await other.connection.shutdown();
});
