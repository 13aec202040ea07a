/**
 * Which chains and names the platform takes for good today. Where one of these fails after an upgrade, the
 * platform has become stricter or says more: the verdict of `src/identity/` stays, the workaround that a test
 * names may go.
 */
import assert from "node:assert/strict";
import { checkServerIdentity, createServer } from "node:tls";
import { commonName, extension } from "../../src/credentials/certificate_writer.ts";
import { sequence, tagged } from "../../src/credentials/der_writer.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { misencoded } from "../attacks/forged_chains.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  shownWith,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { startChild } from "./child.ts";
import { shakeHands } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

const shows = ({ chainPem, keyPem }: TestCertificate) => ({ cert: chainPem, key: keyPem });

/** Signed by a stranger, and names our root as its issuer. */
const impostor = makeCertificate({
  name: "impostor",
  authority: 0,
  issuer: foreign,
  issuerNamed: root,
});
const underImpostor = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: impostor });

// Revisit: tests/attacks/forged_chains.ts, where it is tried on both ends.
Deno.test("a strict client of the platform accepts a leaf under a forged intermediate that is mis-encoded, and only then", async () => {
  const server = { ...shows(underImpostor), ca: [root.pem] };
  await shakeHands(server, { ca: [root.pem] }, ({ clientCode }) => {
    assert.equal(clientCode, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });
  const chain = shownWith(underImpostor, misencoded(impostor));
  await shakeHands({ ...server, ...shows(chain) }, { ca: [root.pem] }, ({ client: near }) => {
    assert.equal(near.authorized, true);
  });
});

// Revisit: nothing; where it fails, the platform has caught up with the verdict's rule.
Deno.test("the platform accepts a leaf under an intermediate without keyCertSign, at both ends", async () => {
  const issuer = makeCertificate({
    name: "signs no certificates",
    authority: 0,
    issuer: root,
    keyUsages: ["digitalSignature"],
  });
  const leaf = makeCertificate({ names: [{ uri: WORKER_ID }], issuer });
  await shakeHands(
    { ...shows(leaf), ca: [root.pem] },
    { ...shows(leaf), ca: [root.pem] },
    ({ client: near, server: far }) => {
      assert.equal(near.authorized, true);
      assert.equal(far?.authorized, true);
    },
  );
});

// Revisit: src/channel/tls_client.ts, where the platform's check of names is replaced.
Deno.test("the platform's name check takes the common name where there is no DNS SAN", async () => {
  for (const names of [[], [{ uri: WORKER_ID }]]) {
    const leaf = makeCertificate({ name: "worker.pool.internal", names, issuer: root });
    await shakeHands(
      { ...shows(leaf), ca: [root.pem] },
      { ca: [root.pem], servername: "worker.pool.internal", checkServerIdentity },
      ({ client: near }) => assert.equal(near.authorized, true),
    );
  }
});

// Revisit: tests/attacks/constrained_names_test.ts; our verdict judges subjects, and peers could be accepted then.
Deno.test("the platform refuses whoever is under an authority that constrains subjects, at both ends", async () => {
  const base = sequence(tagged(0xa4, commonName("somebody else")));
  const issuer = makeCertificate({
    name: "constrained",
    authority: 0,
    issuer: root,
    extensions: [extension("2.5.29.30", true, sequence(tagged(0xa1, base)))],
  });
  const leaf = makeCertificate({ names: [{ uri: WORKER_ID }], issuer });
  await shakeHands({ ...shows(leaf), ca: [root.pem] }, { ca: [root.pem] }, ({ clientCode }) => {
    assert.equal(clientCode, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem] },
    { ...shows(leaf), ca: [root.pem] },
    ({ server: far }) => assert.equal(far?.authorized, false),
  );
});

for (
  const shape of [
    "expired",
    "not-yet-valid",
    "server-only",
    "foreign-authority",
    "namesake-authority",
    "self-signed",
    "missing-intermediate",
    "forged-version-1",
  ] as const
) {
  // Revisit: src/peer/judge.ts; a code that says more could stand in the evidence.
  Deno.test(`the platform's code does not say that a client's certificate is ${shape}`, async () => {
    await shakeHands(
      { ...shows(worker.fine()), ca: [root.pem] },
      { ...shows(client[shape]()), ca: [root.pem] },
      ({ server: far }) => {
        assert.equal(far?.authorized, false);
        assert.equal(String(far?.authorizationError), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
      },
    );
  });
}

// Revisit: `watchHandshake` of src/channel/tls_platform.ts, which shadows `getPeerCertificate` for this.
Deno.test("a client of the platform dies of garbage behind the certificate of a server it trusts", async () => {
  const { pem, keyPem: key } = worker.fine();
  const garbage = writePem("CERTIFICATE", new Uint8Array(300).fill(0x30));
  const server = createServer({ cert: pem + garbage, key }, (socket) => {
    socket.on("error", () => {});
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const dials = (shadow: boolean) => `
    import { connect } from "node:tls";
    const { port, ca } = JSON.parse(Deno.args[0]);
    const socket = connect({ host: "127.0.0.1", port, ca, checkServerIdentity: () => undefined });
    if (${shadow}) Object.defineProperty(socket, "getPeerCertificate", { value: () => ({}) });
    const over = (word) => { console.log(word); Deno.exit(0); };
    socket.on("error", () => over("refused")).on("secureConnect", () => over("accepted"));
    socket.on("close", () => over("closed"));
  `;
  const config = { port: typeof bound === "object" ? bound?.port : 0, ca: root.pem };
  try {
    await using plain = startChild(dials(false), config);
    const died = await plain.ended;
    assert.notEqual(died.code, 0, died.printed);
    assert.match(died.errors, /Uncaught/);
    await using shadowed = startChild(dials(true), config);
    assert.equal((await shadowed.ended).printed, "accepted\n");
  } finally {
    server.close();
  }
});
