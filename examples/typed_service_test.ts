import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { Credentials } from "../mod.ts";
import { createAuthority } from "../src/testing/mod.ts";
import { WorkerServer } from "../src/worker/mod.ts";
import { type Grants, mayHave, wallet } from "./credentials_wallet/wallet.ts";
import { secretOf } from "./typed_service.ts";

const REPORT = "spiffe://example.org/report";

Deno.test("a typed service is called through a pool, which proves its workers", async () => {
  const authority = createAuthority();
  const as = (name: string) => {
    const { certPem: cert, keyPem: key } = authority.issue({
      name,
      spiffe: `spiffe://example.org/${name}`,
    });
    return Credentials.fromPem({ ca: authority.certPem, cert, key });
  };
  const grants: Grants = { [REPORT]: ["report-key"] };
  await using worker = await WorkerServer.start({
    services: wallet(new Map([["report-key", Uint8Array.of(1, 2, 3)]])),
    credentials: as("wallet"),
    allow: REPORT,
    policy: { authorize: (call) => mayHave(grants, call) },
  });
  const options = {
    discovery: `static:${worker.address}`,
    identity: "spiffe://example.org/wallet",
    credentials: as("report"),
  };
  assert.deepEqual([...await secretOf("report-key", options)], [1, 2, 3]);
  await assert.rejects(
    secretOf("other-key", options),
    (error) => error instanceof ConnectError && error.code === Code.PermissionDenied,
  );
});
