/**
 * A certificate is public; what proves its owner is a signature over the handshake (RFC 8446 §4.4.3), which
 * the platform checks and we cannot see. It must be asked of whatever certificate our verdict would take.
 */
import assert from "node:assert/strict";
import { alternativeNames, extension } from "../../src/credentials/certificate_writer.ts";
import { objectIdentifier, sequence, tagged } from "../../src/credentials/der_writer.ts";
import { judgePeer, parsePattern, type PeerRole } from "../../src/identity/mod.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { dialAs, handshakeErrorOf, listenAs, materialOf } from "../support/peers.ts";
import {
  certificateVerifyMessage,
  connectRaw,
  listenRaw,
  MESSAGE,
  message,
  type Side,
  signingKey,
  uint,
  vector,
} from "../support/raw_tls/mod.ts";
import { type MutatedLeaf, mutatedLeaves } from "./mutated_leaves.ts";
import {
  assertReported,
  type Attack,
  attackDispatcher,
  attackWorker,
  authorities,
  claimed,
  flawless,
  HTTP2,
  own,
  ownKey,
} from "./raw_attack.ts";

const { root } = authorities;
const otherThan = (side: Side): Side => side === "client" ? "server" : "client";
const keyOf = ({ keyPem }: TestCertificate): Promise<CryptoKey> => signingKey(keyPem);

/** Ways to show a stolen certificate without a right proof of its key, and the alert they are answered with. */
const WAYS: readonly (readonly [string, string, Attack])[] = [
  ["signed by another key", "decrypt_error", async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.certificateVerify(ownKey);
  }],
  ["signed by the key of a second certificate", "decrypt_error", async (raw, side) => {
    await raw.certificate([flawless[side].der, own.der]);
    await raw.certificateVerify(ownKey);
  }],
  ["signed as by the other side", "decrypt_error", async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.certificateVerify(await keyOf(flawless[side]), otherThan(side));
  }],
  ["signed in another handshake", "decrypt_error", async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    const key = await keyOf(flawless[side]);
    await raw.handshake(await certificateVerifyMessage(key, side, new Uint8Array(32).fill(7)));
  }],
  ["signed with no bytes", "decrypt_error", async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.handshake(message(MESSAGE.certificateVerify, uint(0x0403, 2), vector(2)));
  }],
  ["left out", "unexpected_message", (raw, side) => raw.certificate([flawless[side].der])],
  ["before the certificate", "unexpected_message", async (raw, side) => {
    await raw.certificateVerify(await keyOf(flawless[side]));
    await raw.certificate([flawless[side].der]);
  }],
  ["of another certificate shown before", "unexpected_message", async (raw, side) => {
    await raw.certificate([own.der]);
    await raw.certificateVerify(ownKey);
    await raw.certificate([flawless[side].der]);
  }],
  ["left out with the certificate", "unexpected_message", () => Promise.resolve()],
];

/** Schemes that do not fit the key, or that TLS 1.3 has not (RFC 8446 §4.2.3). */
const UNFIT_SCHEMES = [
  0x0000,
  0x0201,
  0x0203,
  0x0303,
  0x0401,
  0x0503,
  0x0603,
  0x0804,
  0x0807,
  0xfefe,
];

/** Proves the key rightly, and calls the scheme another one. */
function underScheme(scheme: number): Attack {
  return async (raw, side) => {
    await raw.certificate([flawless[side].der]);
    await raw.certificateVerify(await keyOf(flawless[side]), side, scheme);
    await raw.finished();
    await raw.application(HTTP2);
  };
}

Deno.test("a dispatcher writes nothing to a worker whose proof is of a scheme that does not fit", async () => {
  for (const scheme of UNFIT_SCHEMES) {
    const { error } = await attackDispatcher(underScheme(scheme));
    assert.equal(error.reason, "tls-alert", `${scheme}: ${error.message}`);
  }
});

Deno.test("a worker parses nothing of a client whose proof is of a scheme that does not fit", async () => {
  for (const scheme of UNFIT_SCHEMES) {
    const { refused } = await attackWorker(underScheme(scheme));
    assert.equal(refused.reason, "tls-alert", `${scheme}`);
  }
});

for (const [how, alert, show] of WAYS) {
  const attack: Attack = async (raw, side) => {
    await show(raw, side);
    await raw.finished();
    await raw.application(HTTP2);
  };

  Deno.test(`a dispatcher writes nothing to a worker whose proof of the key is ${how}`, async () => {
    const { error, heard } = await attackDispatcher(attack);
    // What was shown before is read and reported, where something was.
    const strange = how === "of another certificate shown before";
    assert.equal(error.reason, strange ? "untrusted-authority" : "tls-alert", error.message);
    if (!strange) assert.deepEqual(heard.flatMap(({ alerts }) => alerts), [alert]);
  });

  Deno.test(`a worker parses nothing of a client whose proof of the key is ${how}`, async () => {
    const { refused, heard } = await attackWorker(attack);
    assertReported(heard, { alert });
    assert.equal(refused.reason, "tls-alert");
  });
}

Deno.test("both ends say what is wrong with a peer that has not the key of its certificate", async () => {
  const attack: Attack = async (raw, side) => {
    await raw.authenticate([flawless[side].der], ownKey);
  };
  const found = "shows a certificate that TLS cannot read, or has not its key";
  const { error } = await attackDispatcher(attack);
  assert.equal(error.evidence.found, `the peer ${found}`);
  const { refused } = await attackWorker(attack);
  assert.equal(refused.evidence.found, `the client ${found}`);
});

/** A leaf with every kind of extension that a reader may know, so that each is mutated. */
function richLeaf(uri: string): TestCertificate {
  const place = tagged(0x86, new TextEncoder().encode("http://ca.example.org/list"));
  const points = sequence(sequence(tagged(0xa0, tagged(0xa0, place))));
  const status = sequence(objectIdentifier("1.3.6.1.5.5.7.48.1"), place);
  return makeCertificate({
    names: [{ uri }],
    issuer: root,
    extensions: [
      extension("2.5.29.18", false, sequence(place)),
      extension("2.5.29.31", false, points),
      extension("2.5.29.32", false, sequence(sequence(objectIdentifier("2.5.29.32.0")))),
      extension("2.5.29.46", false, points),
      extension("1.3.6.1.5.5.7.1.1", false, sequence(status)),
      extension("1.3.6.1.4.1.55555.1", false, sequence()),
    ],
  });
}

/** What X.509 may yet define: leaves with an extension under each of its numbers, and these values. */
function* numberedLeaves(uri: string): Generator<MutatedLeaf> {
  const { key } = flawless.server;
  for (const value of [[], [0x05, 0x00], [0x30, 0x00, 0x00]]) {
    for (let number = 0; number < 64; number++) {
      const known = alternativeNames([{ uri }]);
      const one = extension(`2.5.29.${number}`, false, Uint8Array.from(value));
      const { der } = makeCertificate({ key, issuer: root, extensions: [known, one] });
      yield { name: `extension ${number} of ${value}`, der };
    }
  }
}

/** Every leaf that our verdict would take, mutated as it is. */
function takenBy(role: PeerRole): MutatedLeaf[] {
  const uri = claimed[role];
  const { anchors } = materialOf({ trusts: [root] });
  assert.ok(anchors !== undefined);
  const question = { role, anchors, expected: [parsePattern(uri)], now: Date.now() };
  const leaves = [...mutatedLeaves(richLeaf(uri).der, root.key), ...numberedLeaves(uri)];
  const taken = leaves.filter(({ der }) => judgePeer([der], question).trusted);
  assert.ok(taken.length > 100 && taken.length < leaves.length / 2, `${taken.length}`);
  return taken;
}

Deno.test("a dispatcher takes no certificate without a proof of its key, whatever it looks like", async () => {
  const taken = takenBy("server");
  let shown: Uint8Array = own.der;
  await using server = listenRaw(async (raw) => {
    await raw.authenticate([shown], ownKey);
    await raw.send();
  });
  const shownByUs = materialOf({ certificate: flawless.client, trusts: [root] });
  for (const { name, der } of taken) {
    shown = der;
    const error = await handshakeErrorOf(dialAs(shownByUs, server.address));
    assert.equal(error.reason, "tls-alert", `${name}: ${error.message}`);
  }
  for (const { application } of await server.heard()) assert.equal(application.length, 0);
});

Deno.test("a worker takes no certificate without a proof of its key, whatever it looks like", async () => {
  const shown = { certificate: flawless.server, trusts: [root] };
  await using listener = await listenAs(shown, { onPeer: () => assert.fail("accepted") });
  assert.ok(listener.address.kind === "tcp");
  for (const { name, der } of takenBy("client")) {
    using raw = await connectRaw(listener.address);
    await raw.authenticate([der], ownKey);
    const [, { application, alerts }] = await Promise.all([raw.send(), raw.heard()]);
    assert.deepEqual([application.length, alerts], [0, ["decrypt_error"]], name);
  }
});
