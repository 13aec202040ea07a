import assert from "node:assert/strict";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { Credentials } from "../../src/spiffe/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { add } from "./routines.ts";

const WORKER = "spiffe://example.org/worker";
const ours = root("example.org");

/** A root that bears no name: nothing but its file says whose it is. */
function root(name: string): TestCertificate {
  return makeCertificate({ name: `root of ${name}`, authority: true });
}

function named(uri: string, issuer: TestCertificate): TestCertificate {
  return makeCertificate({ names: [{ uri }], issuer });
}

/** Files of a folder, and a worker that trusts those who have a file there. */
class Stage implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly folder = Deno.makeTempDirSync();

  constructor() {
    this.#stack.defer(() => Deno.remove(this.folder, { recursive: true }));
  }

  write(name: string, text: string): string {
    // Renamed into place, so that no half of it is read.
    Deno.writeTextFileSync(`${this.folder}/${name}.new`, text);
    Deno.renameSync(`${this.folder}/${name}.new`, `${this.folder}/${name}`);
    return `${this.folder}/${name}`;
  }

  async worker(ca: Record<string, string>): Promise<WorkerServer> {
    const own = named(WORKER, ours);
    return this.#stack.use(
      await WorkerServer.start({
        routines: { add },
        credentials: Credentials.watchFiles({
          ca,
          cert: this.write("cert.pem", own.chainPem),
          key: this.write("key.pem", own.keyPem),
        }),
        allow: [
          "dns:client.example.org",
          "spiffe://example.org/client",
          ...Object.keys(ca).filter((domain) => domain !== "").map((domain) =>
            `spiffe://${domain}/client`
          ),
        ],
      }),
    );
  }

  /** The result of a call of a client that shows this certificate. */
  async call(worker: WorkerServer, client: TestCertificate): Promise<number | string> {
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${worker.address}`,
      identity: WORKER,
      credentials: Credentials.fromPem({
        domains: new Map([["example.org", ours.pem]]),
        cert: client.chainPem,
        key: client.keyPem,
      }),
    });
    try {
      return await dispatcher.call(add, [1, 2]);
    } catch (error) {
      if (error instanceof HandshakeError) return error.reason;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

Deno.test("a worker federated with thirty domains by files takes each root at its own domain's word, and no other", async () => {
  await using stage = new Stage();
  const domains = Array.from({ length: 30 }, (_, n) => `domain-${n}.example`);
  const roots = new Map(domains.map((domain) => [domain, root(domain)]));
  const files = [...roots].map(([domain, { pem }]) => [domain, stage.write(domain, pem)]);
  const worker = await stage.worker({
    "": stage.write("ca.pem", ours.pem),
    ...Object.fromEntries(files),
  });
  for (const domain of [domains[0]!, domains[29]!]) {
    const issuer = roots.get(domain)!;
    assert.equal(await stage.call(worker, named(`spiffe://${domain}/client`, issuer)), 3);
    const minted = [
      named("spiffe://example.org/client", issuer),
      named(`spiffe://${domains[7]}/client`, issuer),
      makeCertificate({ names: [{ dns: "client.example.org" }], issuer }),
    ];
    for (const client of minted) {
      assert.equal(await stage.call(worker, client), "client-certificate-refused");
    }
  }
  assert.equal(await stage.call(worker, named("spiffe://example.org/client", ours)), 3);
  const foreign = named(`spiffe://${domains[0]}/client`, ours);
  assert.equal(await stage.call(worker, foreign), "client-certificate-refused");
});

Deno.test("a domain's file that changes is a rotation, and its old root vouches for nobody any more", async () => {
  await using stage = new Stage();
  const [before, after] = [root("before"), root("after")];
  const other = stage.write("other.pem", before.pem);
  const worker = await stage.worker({
    "": stage.write("ca.pem", ours.pem),
    "other.org": other,
  });
  const events = worker.events();
  const client = (issuer: TestCertificate) => named("spiffe://other.org/client", issuer);
  assert.equal(await stage.call(worker, client(before)), 3);
  stage.write("other.pem", after.pem);
  for await (const { type } of events) if (type === "credentials.rotated") break;
  assert.equal(await stage.call(worker, client(after)), 3);
  assert.equal(await stage.call(worker, client(before)), "client-certificate-refused");
});
