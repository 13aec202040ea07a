import assert from "node:assert/strict";
import {
  makeCertificate,
  misencodedExtension,
  type TestCertificate,
} from "../support/certificates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import {
  certificateMessage,
  MESSAGE,
  message,
  type Octets,
  signingKey,
  uint,
  vector,
} from "../support/raw_tls/mod.ts";
import {
  assertCutOff,
  assertReported,
  type Attack,
  attackDispatcher,
  attackWorker,
  authorities,
  claimed,
  flawless,
  HTTP2,
  own,
  type Reported,
} from "./raw_attack.ts";

/** The default of both ends, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 5000;
const MIB = 1024 * 1024;

const keys = {
  client: await signingKey(flawless.client.keyPem),
  server: await signingKey(flawless.server.keyPem),
} as const;

/** A Certificate message that announces more than follows it. */
const announcing = (bytes: number): Octets =>
  Uint8Array.of(MESSAGE.certificate, ...uint(bytes, 3), 0);

/** Handshakes out of order, by the owner of a flawless certificate, and what they are answered with. */
const DISORDER: readonly (readonly [string, Reported, Attack])[] = [
  ["begins HTTP/2 before it shows its certificate", { alert: "unexpected_message" }, async (
    raw,
    side,
  ) => {
    await raw.application(HTTP2);
    await raw.authenticate([flawless[side].der], keys[side]);
  }],
  ["begins HTTP/2 before it is finished", { alert: "unexpected_message" }, async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.certificateVerify(keys[side]);
    await raw.application(HTTP2);
    await raw.finished();
  }],
  ["is finished with a wrong proof", { alert: "decrypt_error" }, async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.certificateVerify(keys[side]);
    await raw.handshake(message(MESSAGE.finished, new Uint8Array(32)));
    await raw.application(HTTP2);
  }],
  ["shows its certificate twice", { alert: "unexpected_message" }, async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.authenticate([flawless[side].der], keys[side]);
    await raw.application(HTTP2);
  }],
  ["shows an entry longer than its list", { alert: "decode_error" }, async (raw, side) => {
    const entry = vector(3, vector(3, uint(0xffff, 3), flawless[side].der));
    await raw.handshake(message(MESSAGE.certificate, vector(1), entry));
    await raw.application(HTTP2);
  }],
  // The platform hangs up on a message of this size without a word, as soon as it is announced.
  ["announces certificates of 16 MiB", "nothing", (raw) => raw.handshake(announcing(16 * MIB - 1))],
];

for (const [how, reported, attack] of DISORDER) {
  Deno.test(`a dispatcher writes nothing to a worker that ${how}`, async () => {
    const { error } = await attackDispatcher(attack);
    assert.equal(error.reason, "tls-alert", error.message);
  });

  Deno.test(`a worker parses nothing of a client that ${how}`, async () => {
    const { refused, heard } = await attackWorker(attack);
    assert.equal(refused.reason, "tls-alert", JSON.stringify(refused));
    assertReported(heard, reported);
  });
}

/** Shows half of a certificate, and lets the whole time pass. */
function stopping(clock: ManualClock): Attack {
  return async (raw, side) => {
    const whole = certificateMessage([{ certificate: flawless[side].der }]);
    await raw.handshake(whole.subarray(0, whole.length / 2));
    await raw.send();
    clock.advance(HANDSHAKE_TIMEOUT_MS);
  };
}

Deno.test("a dispatcher leaves a worker that stops in the middle of its certificate: handshake-timeout", async () => {
  const clock = new ManualClock(Date.now());
  const { error, heard } = await attackDispatcher(stopping(clock), { clock });
  assert.equal(error.reason, "handshake-timeout");
  assert.equal(heard.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("a worker leaves a client that stops in the middle of its certificate: handshake-timeout", async () => {
  const clock = new ManualClock(Date.now());
  const { refused, heard } = await attackWorker(stopping(clock), { clock });
  assert.equal(refused.reason, "handshake-timeout");
  assertReported(heard, "nothing");
  assert.equal(clock.pending, 0);
});

/** Shows a certificate, and sends application data until it is cut off. */
function flooding({ der, keyPem }: TestCertificate): Attack {
  return async (raw) => {
    await raw.authenticate([der], await signingKey(keyPem));
    const piece = new Uint8Array(MIB / 4).fill(0x41);
    let sent = 0;
    do {
      sent += piece.length;
      assert.ok(sent <= 64 * MIB, "the flood was never cut off");
      await raw.application(piece);
    } while (await raw.send());
  };
}

/** Signed by our root, in an encoding that is not DER. */
const misencoded = makeCertificate({
  names: [{ uri: claimed.client }],
  issuer: authorities.root,
  extensions: [misencodedExtension()],
});

const FLOODERS: readonly (readonly [string, TestCertificate, Reported])[] = [
  ["that is not trusted", own, { refused: "untrusted-authority" }],
  ["that was signed with a broken encoding", misencoded, { refused: "certificate-unsuitable" }],
];

for (const [what, certificate, reported] of FLOODERS) {
  // The clock stands: what cuts the flood off is what was counted, and no time.
  Deno.test(`a worker cuts off a client that shows a certificate ${what}, and floods it`, async () => {
    const clock = new ManualClock(Date.now());
    const { heard } = await attackWorker(flooding(certificate), { clock });
    // A peer that floods is cut off before it is given the reason; nothing else is sent.
    assertCutOff(heard, reported);
    assert.equal(clock.pending, 0);
  });

  Deno.test(`a dispatcher cuts off a worker that shows a certificate ${what}, and floods it`, async () => {
    const clock = new ManualClock(Date.now());
    const { error } = await attackDispatcher(flooding(certificate), { clock });
    assert.ok(
      error.reason === "untrusted-authority" || error.reason === "certificate-unsuitable",
      error.message,
    );
    assert.equal(clock.pending, 0);
  });
}
