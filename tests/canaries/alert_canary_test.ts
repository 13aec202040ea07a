/**
 * What the platform's TLS reports of a handshake that the other end breaks. A test that fails here after an
 * upgrade says where `src/channel/tls/tls_alert.ts`, `src/channel/tls/tls_platform.ts` or the classifier of
 * `src/peer/` must follow.
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { connect, type ConnectionOptions, createServer as createTlsServer } from "node:tls";
import { alertReceived } from "../../src/channel/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { WORKER_ID } from "../support/peers.ts";
import { codeOf, shakeHands } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);

/** The error of a client whose server behaves so. */
async function clientError(
  behave: (socket: Socket) => void,
  options: ConnectionOptions = {},
): Promise<Error> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const near = connect({ host: "127.0.0.1", port, ca: [root.pem], ...options });
  try {
    return await new Promise<Error>((resolve) => near.once("error", resolve));
  } finally {
    near.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const answering = (bytes: Uint8Array) => (socket: Socket) =>
  void socket.once("data", () => socket.end(bytes));

/** Fatal alerts of RFC 8446 §6.2 and of TLS 1.2, by number; how the platform prints them is its own affair. */
const ALERTS: readonly (readonly [number, string])[] = [
  [10, "unexpected_message"],
  [20, "bad_record_mac"],
  [40, "handshake_failure"],
  [42, "bad_certificate"],
  [43, "unsupported_certificate"],
  [44, "certificate_revoked"],
  [45, "certificate_expired"],
  [46, "certificate_unknown"],
  [47, "illegal_parameter"],
  [48, "unknown_ca"],
  [49, "access_denied"],
  [50, "decode_error"],
  [51, "decrypt_error"],
  [70, "protocol_version"],
  [71, "insufficient_security"],
  [80, "internal_error"],
  [86, "inappropriate_fallback"],
  [109, "missing_extension"],
  [110, "unsupported_extension"],
  [112, "unrecognized_name"],
  [113, "bad_certificate_status_response"],
  [115, "unknown_psk_identity"],
  [116, "certificate_required"],
  [120, "no_application_protocol"],
];

Deno.test("every alert that a server sends is read from the platform's words", async () => {
  for (const [number, name] of ALERTS) {
    const error = await clientError(answering(Uint8Array.of(0x15, 3, 3, 0, 2, 2, number)));
    assert.equal(alertReceived(error.message), name, error.message);
  }
});

Deno.test("a server that hangs up or resets within the handshake is reported by this code", async () => {
  for (
    const act of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]
  ) {
    const error = await clientError((socket) => void socket.once("data", () => act(socket)));
    assert.equal(codeOf(error), "ECONNRESET");
    assert.equal(alertReceived(error.message), undefined);
  }
});

Deno.test("what is no TLS at all is reported by no alert", async () => {
  const error = await clientError(
    answering(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n")),
  );
  assert.equal(alertReceived(error.message), undefined);
});

for (
  const [shape, code] of [
    ["foreign-authority", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
    ["missing-intermediate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ] as const
) {
  Deno.test(`the platform's code for a server whose certificate is ${shape} is ${code}`, async () => {
    const { chainPem: cert, keyPem: key } = worker[shape]();
    await shakeHands(
      { cert, key, ca: [root.pem] },
      { ca: [root.pem] },
      ({ clientCode }) => assert.equal(clientCode, code),
    );
  });
}

Deno.test("a client that refuses a certificate has forgotten it, one whose server breaks off has not", async () => {
  const chainAfter = async (shape: "fine" | "expired", maxVersion: "TLSv1.2" | "TLSv1.3") => {
    const { chainPem: cert, keyPem: key } = worker[shape]();
    const server = createTlsServer({
      cert,
      key,
      ca: [root.pem],
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion,
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const near = connect({ host: "127.0.0.1", port, ca: [root.pem], servername: "worker" });
    // deno-lint-ignore no-explicit-any -- the handle inside
    const handle = (near as any)._handle;
    try {
      return await new Promise<number>((resolve) => {
        const original = handle.onerror;
        handle.onerror = function (this: unknown, error: Error) {
          resolve(handle.getPeerCertificateChain()?.certificates?.length ?? 0);
          original?.call(this, error);
        };
        near.on("error", () => {});
      });
    } finally {
      near.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  };
  assert.equal(await chainAfter("expired", "TLSv1.3"), 0);
  assert.ok(await chainAfter("fine", "TLSv1.2") > 0);
});

Deno.test("a server that finds no common protocol fails with this code", async () => {
  const { chainPem: cert, keyPem: key } = worker.fine();
  await shakeHands(
    { cert, key, ALPNProtocols: ["h2"], requestCert: false },
    { ca: [root.pem], ALPNProtocols: ["http/1.1"] },
    ({ clientMessage, serverCode }) => {
      assert.equal(clientMessage, "received fatal alert: NoApplicationProtocol");
      assert.equal(serverCode, "ERR_SSL_NO_APPLICATION_PROTOCOL");
    },
  );
});
