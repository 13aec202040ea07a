/** Certificates as private issuers make them, between a worker and a dispatcher: the platform must agree, too. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { routine } from "../../src/contract/mod.ts";
import { type CredentialPem, Credentials } from "../../src/credentials/mod.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import {
  der,
  extension,
  forge,
  type Forged,
  type ForgeOptions,
  general,
  OID,
} from "../support/forge.ts";

const HOST = "worker.pool.internal";
const add = routine("private.add", (a: number, b: number) => a + b);
const names = [general.dns(HOST)];

interface Shape {
  readonly what: string;
  readonly leaf: ForgeOptions;
  readonly root?: ForgeOptions;
}

const SHAPES: readonly Shape[] = [
  { what: "no extended key usage", leaf: { purposes: [], keyUsage: 0xa0 } },
  { what: "neither key usage nor extended key usage", leaf: { purposes: [], keyUsage: undefined } },
  { what: "no key identifiers", leaf: { without: [OID.authorityKeyIdentifier] } },
  { what: "a common name that is not among the names", leaf: { subject: "other.internal" } },
  {
    what: "critical names beside a subject",
    leaf: {
      without: [OID.subjectAlternativeName],
      extensions: [extension(OID.subjectAlternativeName, true, der(0x30, ...names))],
    },
  },
  { what: "anyExtendedKeyUsage", leaf: { purposes: [OID.serverAuth, "2.5.29.37.0"] } },
  {
    what: "a root with an extended key usage",
    leaf: {},
    root: { purposes: [OID.serverAuth, OID.clientAuth] },
  },
  {
    what: "a root without key identifiers",
    leaf: { without: [OID.authorityKeyIdentifier] },
    root: { without: [OID.authorityKeyIdentifier, OID.subjectKeyIdentifier] },
  },
  {
    what: "an anchor that another authority has signed, which is not trusted",
    leaf: {},
    root: { issuer: forge({ subject: "above", authority: true }) },
  },
];

const pem = ({ der }: Forged) => writePem("CERTIFICATE", der);

function credentialsOf(
  own: Forged,
  authorities: readonly Forged[],
  between: readonly Forged[],
): CredentialPem {
  const key = String(own.keys.privateKey.export({ type: "pkcs8", format: "pem" }));
  return { ca: authorities.map(pem).join(""), cert: [own, ...between].map(pem).join(""), key };
}

/** One call between a worker and a dispatcher that show these and trust those. */
async function call(
  { worker: own, caller, trusts, between = [], verdict }: {
    readonly worker: Forged;
    readonly caller: Forged;
    readonly trusts: readonly Forged[];
    /** The authorities that both show. */
    readonly between?: readonly Forged[];
    readonly verdict?: "strict";
  },
): Promise<number> {
  await using worker = await WorkerServer.start({
    listen: "127.0.0.1:0",
    routines: [add],
    credentials: Credentials.fromPem(credentialsOf(own, trusts, between)),
    allow: HOST,
  });
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${worker.address}`,
    credentials: Credentials.fromPem(credentialsOf(caller, trusts, between)),
    identity: HOST,
    verdict,
  });
  return await dispatcher.call(add, [1, 2]);
}

for (const { what, leaf, root: options } of SHAPES) {
  Deno.test(`a worker and a caller accept each other's certificates with ${what}`, async () => {
    const root = forge({ subject: "root", authority: true, ...options });
    const made = () => forge({ issuer: root, names, ...leaf });
    assert.equal(await call({ worker: made(), caller: made(), trusts: [root] }), 3);
  });
}

Deno.test("a worker and a caller accept each other's self-signed certificates that are in the bundle", async () => {
  const [worker, caller] = [
    forge({ subject: "worker", names }),
    forge({ subject: "caller", names }),
  ];
  assert.equal(await call({ worker, caller, trusts: [worker, caller] }), 3);
});

Deno.test("a worker and a caller accept each other under three intermediates of P-384", async () => {
  const keys = () => generateKeyPairSync("ec", { namedCurve: "P-384" });
  const root = forge({ subject: "root", authority: true, keys: keys() });
  let issuer = root;
  const between = ["a", "b", "c"].map((subject) =>
    issuer = forge({ subject, authority: true, issuer, keys: keys() })
  ).reverse();
  const made = () => forge({ issuer, names });
  assert.equal(await call({ worker: made(), caller: made(), trusts: [root], between }), 3);
});

Deno.test("a dispatcher with a strict verdict refuses what it would advise on", async () => {
  const root = forge({ subject: "root", authority: true });
  const worker = forge({ issuer: root, names, purposes: [] });
  const caller = forge({ issuer: root, names });
  const failed = call({ worker, caller, trusts: [root], verdict: "strict" });
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof HandshakeError);
    assert.deepEqual([error.reason, error.evidence.rule], [
      "certificate-unsuitable",
      "leaf.purpose",
    ]);
    return true;
  });
});
