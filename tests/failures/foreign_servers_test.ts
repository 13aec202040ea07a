/** Our dispatcher against servers that nobody here wrote: what it finds in them, and what they say of it. */
import assert from "node:assert/strict";
import type { HandshakeReason, HandshakeSide, PeerReason } from "../../src/errors/mod.ts";
import { testWithTool } from "../foreign/tool.ts";
import {
  type CertificateShape,
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../support/peers.ts";
import { type ForeignListener, type ServerKind, startForeign, TOOLS } from "./foreign/programs.ts";
import { add, countHandshakes, failedCall, openDispatcher } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const ofClient = certificateShapes(authorities, CLIENT_ID);
const fine = ofWorker.fine();
const client: Shown = { certificate: ofClient.fine(), trusts: [root] };
const handshakes = countHandshakes();

const KINDS: readonly ServerKind[] = ["Node", "Go", "nginx"];

/** Server certificates and the dispatcher's word for them: the same for every server. */
const SERVERS: readonly (readonly [CertificateShape, HandshakeReason?])[] = [
  ["fine"],
  ["fine-under-intermediate"],
  ["fine-rsa-2048"],
  ["fine-p-384"],
  ["fine-p-521"],
  ["fine-ed25519"],
  ["foreign-authority", "untrusted-authority"],
  ["namesake-authority", "untrusted-authority"],
  ["self-signed", "untrusted-authority"],
  ["broken-chain", "untrusted-authority"],
  ["missing-intermediate", "untrusted-authority"],
  ["version-1", "certificate-unsuitable"],
  ["misencoded", "certificate-unsuitable"],
  ["space-in-name", "certificate-unsuitable"],
  ["client-only", "certificate-unsuitable"],
  ["several-uri-sans", "certificate-unsuitable"],
  ["other-identity", "identity-mismatch"],
  ["no-san", "identity-mismatch"],
  ["expired", "certificate-expired"],
  ["not-yet-valid", "certificate-not-yet-valid"],
];

for (const kind of KINDS) {
  testWithTool(
    tool(kind),
    `a dispatcher names what is wrong with ${kind}'s certificate`,
    async (_, t) => {
      const listeners = SERVERS.map(([name]) => ({
        name,
        certificate: ofWorker[name](),
        ca: root,
      }));
      await using servers = await startForeign(kind, listeners);
      for (const [name, reason] of SERVERS) {
        await t.step(`${name}: ${reason ?? "nothing"}`, async () => {
          await using dispatcher = await openDispatcher(client, servers.address(name));
          handshakes();
          if (reason === undefined) {
            await dispatcher.ready();
            assert.deepEqual(handshakes(), { "dispatcher ok": 1 });
            return;
          }
          const { error, event } = await failedCall(dispatcher);
          assert.equal(error.reason, reason, error.message);
          assert.deepEqual([error.side, event.side, event.reason], [
            "dispatcher",
            "dispatcher",
            reason,
          ]);
          assert.deepEqual(handshakes(), { [`dispatcher ${reason}`]: 1 });
        });
      }
    },
  );
}

/** What a server that demands a certificate says of ours, or of what else it does not like. */
interface Row {
  readonly title: string;
  readonly shown: CertificateShape | "none";
  readonly server?: Partial<ForeignListener>;
  readonly minTlsVersion?: "TLSv1.2";
  readonly reason: HandshakeReason;
  readonly side?: HandshakeSide;
  readonly peerReason?: PeerReason;
  readonly alert?: string;
}

const TLS_1_2 = { server: { maxVersion: "TLSv1.2" }, minTlsVersion: "TLSv1.2" } as const;

const NO_CERTIFICATE_1_2 = "no certificate, in TLS 1.2, where the alert might be about anything";

const COMMON: readonly Row[] = [
  {
    title: "only TLS 1.2, where we ask for 1.3",
    shown: "fine",
    server: { maxVersion: "TLSv1.2", client: false },
    reason: "protocol-mismatch",
    alert: "protocol_version",
  },
  {
    title: "another protocol by ALPN",
    shown: "fine",
    server: { alpn: ["http/1.1"], client: false },
    reason: "protocol-mismatch",
    alert: "no_application_protocol",
  },
];

const GO_SAYS: readonly Row[] = [
  ...COMMON,
  {
    title: "no certificate",
    shown: "none",
    reason: "client-certificate-required",
    alert: "certificate_required",
  },
  {
    title: NO_CERTIFICATE_1_2,
    shown: "none",
    ...TLS_1_2,
    reason: "tls-alert",
    alert: "handshake_failure",
  },
  {
    title: "a foreign authority",
    shown: "foreign-authority",
    reason: "client-certificate-refused",
    peerReason: "untrusted-authority",
    alert: "unknown_ca",
  },
  {
    title: "a foreign authority, in TLS 1.2",
    shown: "foreign-authority",
    ...TLS_1_2,
    reason: "client-certificate-refused",
    peerReason: "untrusted-authority",
    alert: "unknown_ca",
  },
  {
    title: "an expired certificate",
    shown: "expired",
    reason: "client-certificate-refused",
    peerReason: "certificate-expired",
    alert: "certificate_expired",
  },
  {
    title: "a certificate that is not yet valid",
    shown: "not-yet-valid",
    reason: "client-certificate-refused",
    peerReason: "certificate-not-yet-valid",
    alert: "certificate_expired",
  },
  {
    title: "a certificate for servers, of which Go says no more than that it is bad",
    shown: "server-only",
    reason: "client-certificate-refused",
    alert: "bad_certificate",
  },
];

/** Node verifies after the handshake, and hangs up without an alert. */
const NODE_SAYS: readonly Row[] = [
  ...COMMON,
  {
    title: "no certificate",
    shown: "none",
    reason: "client-certificate-required",
    alert: "certificate_required",
  },
  {
    title: NO_CERTIFICATE_1_2,
    shown: "none",
    ...TLS_1_2,
    reason: "tls-alert",
    alert: "handshake_failure",
  },
  ...(["foreign-authority", "expired", "not-yet-valid", "server-only"] as const).map((shown) => ({
    title: `a certificate that is ${shown}, without a word`,
    shown,
    reason: "handshake-aborted" as const,
  })),
  {
    title: "a foreign authority, without a word, in TLS 1.2",
    shown: "foreign-authority",
    ...TLS_1_2,
    reason: "handshake-aborted",
  },
];

const NGINX_SAYS: readonly Row[] = [
  ...COMMON,
  {
    title: "a name that it does not serve",
    shown: "fine",
    server: { reject: true, client: false },
    reason: "tls-alert",
    alert: "unrecognized_name",
  },
];

const SAYS: readonly (readonly [ServerKind, readonly Row[]])[] = [
  ["Node", NODE_SAYS],
  ["Go", GO_SAYS],
  ["nginx", NGINX_SAYS],
];

for (const [kind, rows] of SAYS) {
  testWithTool(tool(kind), `a dispatcher names why ${kind} will not go on`, async (_, t) => {
    const listeners = rows.map(({ server }, at): ForeignListener => ({
      name: `row-${at}`,
      certificate: fine,
      ca: root,
      client: true,
      ...server,
    }));
    await using servers = await startForeign(kind, listeners);
    for (const [at, row] of rows.entries()) {
      await t.step(`${row.title}: ${row.reason} ${row.peerReason ?? ""}`.trim(), async () => {
        const { minTlsVersion, side = "worker" } = row;
        const shown = { trusts: [root], ...certificateOf(row.shown) };
        await using dispatcher = await openDispatcher(shown, servers.address(`row-${at}`), {
          minTlsVersion,
        });
        handshakes();
        const { error, event } = await failedCall(dispatcher);
        assert.equal(error.reason, row.reason, error.message);
        assert.deepEqual([error.side, event.side], [side, side]);
        assert.deepEqual([error.peerReason, event.peerReason], [row.peerReason, row.peerReason]);
        assert.equal(error.evidence.alert, row.alert);
        assert.deepEqual(handshakes(), { [`${side} ${row.reason}`]: 1 });
      });
    }
  });
}

testWithTool(
  tool("nginx"),
  "nginx says in HTTP what it finds wrong with our certificate: no handshake has failed",
  async () => {
    const listener = { name: "strict", certificate: fine, ca: root, client: true };
    await using servers = await startForeign("nginx", [listener]);
    const shown = { certificate: ofClient["foreign-authority"](), trusts: [root] };
    await using dispatcher = await openDispatcher(shown, servers.address("strict"));
    handshakes();
    await dispatcher.ready();
    assert.deepEqual(handshakes(), { "dispatcher ok": 1 });
    await assert.rejects(dispatcher.call(add, [1, 2]), /HTTP 400/);
  },
);

function certificateOf(shown: Row["shown"]): { certificate?: TestCertificate } {
  return shown === "none" ? {} : { certificate: ofClient[shown]() };
}

function tool(kind: ServerKind): { name: string; path: string | undefined } {
  return { path: undefined, ...TOOLS[kind] };
}
