/**
 * The proof of a certificate's key where TLS 1.2 is allowed: a client signs the handshake, a server its key share
 * (RFC 5246 §7.4.8, RFC 8422 §5.4). Neither end goes on with a peer that shows a stolen certificate.
 */
import assert from "node:assert/strict";
import { dialAs, handshakeErrorOf, listenAs } from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { MESSAGE, message, type Octets, signatureOf, signingKey } from "../support/raw_tls/mod.ts";
import {
  askAndEnd,
  certificates12,
  clientKeyExchange,
  connectTls12,
  listenTls12,
  MESSAGE_1_2,
  serverParameters,
  signed,
  type Tls12Peer,
} from "../support/raw_tls/tls12.ts";
import { authorities, flawless, own, ownKey } from "./raw_attack.ts";

const { root } = authorities;
const clientKey = await signingKey(flawless.client.keyPem);
const serverKey = await signingKey(flawless.server.keyPem);
const stolen = {
  client: certificates12(flawless.client.der),
  server: certificates12(flawless.server.der),
};
const nothing = new Uint8Array(0);
/** Schemes that do not fit the key, or that the other end has not offered. */
const UNFIT_SCHEMES = [0x0000, 0x0201, 0x0203, 0x0401, 0x0503, 0x0603, 0x0804, 0x0807, 0xfefe];

const verify = async (peer: Tls12Peer, key: CryptoKey, scheme?: number): Promise<Octets> =>
  message(MESSAGE.certificateVerify, signed(await signatureOf(key, peer.transcript), scheme));

/** A client's flight in the clear, as far as the proof. */
type ClientFlight = (peer: Tls12Peer) => Promise<void>;

/** What a worker answers a client with; it must accept nobody. */
async function alertsFor(flight: ClientFlight): Promise<readonly string[]> {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: flawless.server, trusts: [root] }, {
    minTlsVersion: "TLSv1.2",
    observer,
    onPeer: () => assert.fail("the client was accepted"),
  });
  assert.ok(listener.address.kind === "tcp");
  using peer = await connectTls12({ hostname: "127.0.0.1", port: listener.address.port });
  await flight(peer);
  await peer.finish();
  const { alerts, application } = await peer.heard();
  assert.equal(application, false);
  const [refused] = await observer.until("handshake.refused");
  assert.equal(refused?.reason, "tls-alert");
  return alerts;
}

const proven: ClientFlight = async (peer) => {
  await peer.write(stolen.client, await clientKeyExchange());
  await peer.write(await verify(peer, clientKey));
};

const CLIENT_WAYS: Readonly<Record<string, ClientFlight>> = {
  "signed by another key": async (peer) => {
    await peer.write(stolen.client, await clientKeyExchange());
    await peer.write(await verify(peer, ownKey));
  },
  "signed by the key of a second certificate": async (peer) => {
    await peer.write(certificates12(flawless.client.der, own.der), await clientKeyExchange());
    await peer.write(await verify(peer, ownKey));
  },
  "signed in another handshake": async (peer) => {
    await peer.write(stolen.client, await clientKeyExchange());
    const signature = await signatureOf(clientKey, new Uint8Array(300).fill(7));
    await peer.write(message(MESSAGE.certificateVerify, signed(signature)));
  },
  "signed before its key share": async (peer) => {
    await peer.write(stolen.client);
    const early = await verify(peer, clientKey);
    await peer.write(await clientKeyExchange(), early);
  },
  "signed with no bytes": async (peer) => {
    await peer.write(stolen.client, await clientKeyExchange());
    await peer.write(message(MESSAGE.certificateVerify, signed(nothing)));
  },
  "left out": async (peer) => {
    await peer.write(stolen.client, await clientKeyExchange());
  },
  "of another certificate shown before": async (peer) => {
    await peer.write(certificates12(own.der), await clientKeyExchange());
    await peer.write(await verify(peer, ownKey), stolen.client);
  },
};

Deno.test("a worker that allows TLS 1.2 takes the right proof of a client's key, and no other", async () => {
  const answered: Record<string, readonly string[]> = { right: await alertsFor(proven) };
  for (const [how, flight] of Object.entries(CLIENT_WAYS)) answered[how] = await alertsFor(flight);
  for (const scheme of UNFIT_SCHEMES) {
    answered[`scheme ${scheme}`] = await alertsFor(async (peer) => {
      await peer.write(stolen.client, await clientKeyExchange());
      await peer.write(await verify(peer, clientKey, scheme));
    });
  }
  // Behind the right proof it is the protected record that is wrong.
  const right = answered["right"]!.join();
  for (const [how, alerts] of Object.entries(answered)) {
    if (how === "right") assert.equal(right, "bad_record_mac");
    else assert.notEqual(alerts.join(), right, how);
  }
});

/** What a server signs: its key share under the randoms of this handshake. */
type ServerProof = (peer: Tls12Peer, parameters: Octets) => Promise<Octets>;

const over = (...parts: readonly Octets[]): Octets =>
  new Uint8Array(parts.flatMap((part) => [...part]));

const provenShare: ServerProof = async ({ randoms }, parameters) =>
  signed(await signatureOf(serverKey, over(randoms, parameters)));

const SERVER_WAYS: Readonly<Record<string, ServerProof>> = {
  "signed by another key": async ({ randoms }, parameters) =>
    signed(await signatureOf(ownKey, over(randoms, parameters))),
  "signed in another handshake": async (_peer, parameters) =>
    signed(await signatureOf(serverKey, over(new Uint8Array(64).fill(7), parameters))),
  "of another key share": async ({ randoms }) =>
    signed(await signatureOf(serverKey, over(randoms, await serverParameters()))),
  "signed without the randoms": async (_peer, parameters) =>
    signed(await signatureOf(serverKey, parameters)),
  "signed with no bytes": () => Promise.resolve(signed(nothing)),
};

/** Dials a server; what it has heard of the dispatcher. */
async function dial(answer: (peer: Tls12Peer) => Promise<readonly Octets[]>) {
  const server = listenTls12(async (peer) => {
    await peer.write(...await answer(peer), ...askAndEnd());
  });
  const shown = { certificate: flawless.client, trusts: [root] };
  const error = await handshakeErrorOf(
    dialAs(shown, server.address, { minTlsVersion: "TLSv1.2", handshakeTimeoutMs: 60_000 }),
  );
  const [first] = await server.heard();
  return { error, first: first! };
}

const flightWith = (proof: ServerProof) => async (peer: Tls12Peer): Promise<readonly Octets[]> => {
  const parameters = await serverParameters();
  const share = message(
    MESSAGE_1_2.serverKeyExchange,
    over(parameters, await proof(peer, parameters)),
  );
  return [stolen.server, share];
};

Deno.test("a dispatcher that allows TLS 1.2 shows and writes nothing to a worker without the right proof", async () => {
  const ways: Record<string, (peer: Tls12Peer) => Promise<readonly Octets[]>> = {
    "left out": () => Promise.resolve([stolen.server]),
  };
  for (const [how, proof] of Object.entries(SERVER_WAYS)) ways[how] = flightWith(proof);
  for (const scheme of UNFIT_SCHEMES) {
    ways[`scheme ${scheme}`] = flightWith(async ({ randoms }, parameters) =>
      signed(await signatureOf(serverKey, over(randoms, parameters)), scheme)
    );
  }
  for (const [how, answer] of Object.entries(ways)) {
    const { error, first } = await dial(answer);
    assert.deepEqual([error.side, error.reason], ["dispatcher", "tls-alert"], how);
    assert.deepEqual(first.messages, [], how);
    assert.equal(first.application, false, how);
  }
});

Deno.test("a dispatcher that allows TLS 1.2 goes on with a worker that gives the right proof", async () => {
  const server = listenTls12(async (peer) => {
    await peer.write(...await flightWith(provenShare)(peer), ...askAndEnd());
    await peer.send();
    // It shows its certificate, its key share and its proof, which shows that it took ours.
    await peer.until(MESSAGE.certificateVerify);
    peer[Symbol.dispose]();
  });
  const shown = { certificate: flawless.client, trusts: [root] };
  const error = await handshakeErrorOf(
    dialAs(shown, server.address, { minTlsVersion: "TLSv1.2", handshakeTimeoutMs: 60_000 }),
  );
  assert.equal(error.reason, "handshake-aborted");
  await server.heard();
});
