import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { ConfigurationError } from "../errors/mod.ts";
import { isCertificateFault, judgePeer, parsePatterns, parsePemBundle } from "../identity/mod.ts";
import type { Certificate, PeerRole, Verdict } from "../identity/mod.ts";
import { TrustAnchors } from "../identity/mod.ts";
import { Authority, createAuthority, type IssueRequest } from "./mod.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function parsed(pem: string): readonly Certificate[] {
  const certificates = parsePemBundle(pem);
  if (isCertificateFault(certificates)) return assert.fail(certificates.found);
  return certificates;
}

function judged(
  authority: Authority,
  request: IssueRequest,
  expected: string,
  role: PeerRole,
  now: number = Date.now(),
): Verdict {
  const { certPem } = authority.issue(request);
  return judgePeer(parsed(certPem).map(({ der }) => der), {
    role,
    anchors: new TrustAnchors({ bundle: parsed(authority.certPem) }),
    expected: parsePatterns([expected]),
    now,
  });
}

Deno.test("Authority issues certificates that the verdict trusts under every name asked for", () => {
  const authority = createAuthority();
  const request: IssueRequest = {
    name: "worker",
    spiffe: "spiffe://example.org/worker",
    dns: ["worker.pool.internal", "*.pool.internal"],
    ip: ["127.0.0.1", "::1", "2001:db8::192.0.2.1"],
  };
  for (const role of ["server", "client"] as const) {
    for (const name of ["spiffe://example.org/worker", "worker.pool.internal"]) {
      const verdict = judged(authority, request, name, role);
      assert.ok(verdict.trusted, JSON.stringify(verdict));
    }
  }
  const { certPem } = authority.issue(request);
  assert.equal(
    new X509Certificate(certPem).subjectAltName,
    "URI:spiffe://example.org/worker, DNS:worker.pool.internal, DNS:*.pool.internal, " +
      "IP Address:127.0.0.1, IP Address:::1, IP Address:2001:db8::c000:201",
  );
});

Deno.test("Authority takes the name itself where it is a host name and no other is given", () => {
  const authority = createAuthority();
  assert.ok(judged(authority, { name: "worker" }, "worker", "server").trusted);
  assert.throws(() => authority.issue({ name: "A worker" }), ConfigurationError);
});

Deno.test("Authority issues for the purposes asked for only", () => {
  const authority = createAuthority();
  const request: IssueRequest = { name: "worker", usages: ["server"] };
  assert.ok(judged(authority, request, "worker", "server").trusted);
  const verdict = judged(authority, request, "worker", "client");
  assert.equal(!verdict.trusted && verdict.reason, "certificate-unsuitable");
});

Deno.test("Authority dates certificates back by minutes, short ones by a third of their time", () => {
  const now = Date.UTC(2030, 0, 1);
  const authority = createAuthority({ now: () => now });
  const [day] = parsed(authority.issue({ name: "worker" }).certPem);
  assert.equal(day?.notBefore, now - 5 * MINUTE_MS);
  assert.equal(day?.notAfter, now + 24 * HOUR_MS);
  const [brief] = parsed(authority.issue({ name: "worker", ttlMs: 21_000 }).certPem);
  assert.equal(brief?.notBefore, now - 7_000);
  assert.equal(brief?.notAfter, now + 21_000);
});

Deno.test("Authority issues nothing that outlasts it, and nothing once it has expired", () => {
  let now = Date.UTC(2030, 0, 1);
  const authority = createAuthority({ ttlMs: HOUR_MS, now: () => now });
  const [leaf] = parsed(authority.issue({ name: "worker" }).certPem);
  assert.equal(leaf?.notAfter, now + HOUR_MS);
  now += HOUR_MS;
  assert.throws(() => authority.issue({ name: "worker" }), /expired at 2030-01-01T01:00:00.000Z/);
});

Deno.test("Authority refuses names that are invalid, before anything is signed", () => {
  const authority = createAuthority();
  const wrong: IssueRequest[] = [
    { name: "w", spiffe: "spiffe://Example.org/worker" },
    { name: "w", spiffe: "" },
    { name: "w", dns: ["a b"] },
    { name: "w", dns: ["127.0.0.1"] },
    { name: "w", dns: ["a.*.b"] },
    { name: "w", dns: [""] },
    { name: "w", dns: ["a,b.c"] },
    { name: "w", ip: ["127.0.0"] },
    { name: "w", ip: ["fe80::1%eth0"] },
    { name: "w", ttlMs: 0 },
    { name: "w", ttlMs: Number.NaN },
  ];
  for (const request of wrong) {
    assert.throws(() => authority.issue(request), ConfigurationError, JSON.stringify(request));
  }
});

Deno.test("Authority may issue no authorities: its path length is 0", () => {
  const [certificate] = parsed(createAuthority().certPem);
  assert.deepEqual(certificate?.extensions.basicConstraints, {
    ca: true,
    pathLength: 0,
    critical: true,
  });
});

Deno.test("Authority is taken up again from its certificate and key", () => {
  const { certPem, keyPem } = createAuthority({ name: "kept" });
  const authority = new Authority(certPem, keyPem);
  assert.ok(judged(authority, { name: "worker" }, "worker", "server").trusted);
});

Deno.test("Authority refuses a certificate and key that do not make one", () => {
  const one = createAuthority();
  const other = createAuthority();
  const leaf = one.issue({ name: "worker" });
  assert.throws(() => new Authority(one.certPem, other.keyPem), /key is not the authority's/);
  assert.throws(() => new Authority(leaf.certPem, leaf.keyPem), /not an authority's/);
  assert.throws(() => new Authority("", one.keyPem), ConfigurationError);
  assert.throws(() => new Authority(one.certPem, "nonsense"), /not a private key/);
});

Deno.test("Authority and IssuedCertificate show their private keys to no inspection", () => {
  const authority = createAuthority();
  const issued = authority.issue({ name: "worker" });
  for (const holder of [authority, issued]) {
    assert.ok(
      !Deno.inspect(holder, { depth: 9, showHidden: true } as Deno.InspectOptions)
        .includes("PRIVATE KEY"),
    );
    assert.ok(!JSON.stringify(holder).includes("PRIVATE KEY"));
    assert.match(holder.keyPem, /^-----BEGIN PRIVATE KEY-----\n/);
  }
});

Deno.test("Authority issues certificates that the platform's TLS accepts on both ends", async () => {
  const authority = createAuthority();
  const server = authority.issue({ name: "server.internal" });
  const client = authority.issue({ name: "client", spiffe: "spiffe://example.org/client" });
  const listener = createServer({
    cert: server.certPem,
    key: server.keyPem,
    ca: [authority.certPem],
    requestCert: true,
    rejectUnauthorized: true,
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "secureConnection");
  const socket = connect({
    host: "127.0.0.1",
    port: (listener.address() as AddressInfo).port,
    servername: "server.internal",
    ca: [authority.certPem],
    cert: client.certPem,
    key: client.keyPem,
  });
  await once(socket, "secureConnect");
  assert.equal(socket.authorized, true);
  const [peer] = await accepted as [TLSSocket];
  assert.equal(peer.authorized, true);
  const closed = [once(socket, "close"), once(peer, "close"), once(listener, "close")];
  socket.destroy();
  peer.destroy();
  listener.close();
  await Promise.all(closed);
});
