import assert from "node:assert/strict";
import { Credentials, Dispatcher } from "../../mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { createAuthority } from "../../src/testing/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { TestNameServer } from "../support/name_server.ts";

const add = routine("math.add", (a: number, b: number) => a + b);

Deno.test("a name with its final dot, as pods write it to pass by search domains, is the worker's of its certificate", async () => {
  await using server = await TestNameServer.open();
  for (const name of ["pool.internal", "pool.internal."]) {
    server.zone.set(`AAAA ${name}`, { records: [] });
    server.zone.set(`A ${name}`, {
      records: [{ type: "A", name, ttl: 60, data: "127.0.0.1" }],
    });
  }
  const authority = createAuthority();
  const as = (name: string) => {
    const { certPem: cert, keyPem: key } = authority.issue({ name, dns: [name] });
    return Credentials.fromPem({ ca: authority.certPem, cert, key });
  };
  await using worker = await WorkerServer.start({
    routines: [add],
    credentials: as("pool.internal"),
    allow: "caller.internal.",
  });
  await using dispatcher = await Dispatcher.open({
    discovery: `dns:pool.internal.:${worker.address.split(":").at(-1)}?ns=${server.address}`,
    credentials: as("caller.internal"),
  });
  assert.equal(await dispatcher.call(add, [1, 2]), 3);
});
