/**
 * What real writers put into the files of a running worker: every version is adopted, or collapsed
 * into a later one, and none of their steps is reported as a rejection.
 */
import assert from "node:assert/strict";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { add } from "../e2e/routines.ts";
import { testWithTool } from "../foreign/tool.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { Journal } from "../support/journal.ts";
import { TestProcess } from "../support/test_process.ts";
import { WORKER_SPIFFE } from "./issuer.ts";
import { Workshop } from "./workshop.ts";
import { type Writer, writers } from "./writers.ts";

/** A change that takes longer than twenty times this to end is reported; machines may be busy. */
const DEBOUNCE_MS = 500;
/** Versions that are awaited one by one, and those that are written in one go after them. */
const [AWAITED, AT_ONCE] = [3, 20];

const root = makeCertificate({ name: "root", authority: true });
const client = makeCertificate({ names: [{ uri: "spiffe://example.org/client" }], issuer: root });

for (const writer of writers) {
  testWithTool(
    writer.tool,
    `a worker takes what ${writer.name} writes, without noise`,
    async () => {
      await using workshop = await Workshop.open();
      await using writing = new Writing(writer, workshop);
      const first = await writing.write();
      await using worker = await WorkerServer.start({
        routines: { add },
        credentials: Credentials.watchFiles({
          ca: workshop.path(`to/${writer.files.ca}`),
          cert: workshop.path(`to/${writer.files.cert}`),
          key: workshop.path(`to/${writer.files.key}`),
          debounceMs: DEBOUNCE_MS,
        }),
        allow: "spiffe://example.org/client",
      });
      using events = worker.events();
      const coming = events[Symbol.asyncIterator]();
      const adopted: string[] = [first];
      const adopt = async (version: string): Promise<void> => {
        while (true) {
          const { value: event, done } = await coming.next();
          assert.ok(done !== true);
          assert.notEqual(event.type, "credentials.rejected", JSON.stringify(event));
          if (event.type !== "credentials.rotated") continue;
          adopted.push(event.certificate!.serial);
          if (adopted.at(-1) === version) return;
        }
      };
      for (let n = 0; n < AWAITED; n++) await adopt(await writing.write());
      assert.deepEqual([...new Set(adopted)], writing.serials);
      for (let n = 0; n < AT_ONCE; n++) await writing.write();
      await adopt(writing.serials.at(-1)!);
      const order = adopted.map((serial) => writing.serials.indexOf(serial));
      assert.deepEqual(order, order.toSorted((a, b) => a - b));
      await using dispatcher = await Dispatcher.open({
        discovery: `static:${worker.address}`,
        credentials: Credentials.fromPem({
          ca: root.pem,
          cert: client.chainPem,
          key: client.keyPem,
        }),
        identity: WORKER_SPIFFE,
      });
      assert.equal(await dispatcher.call(add, [1, 2]), 3);
    },
  );
}

/** Has a writer write one version after another into the folder `to`. */
class Writing implements AsyncDisposable {
  /** The serial numbers of the versions, in order. */
  readonly serials: string[] = [];
  readonly #workshop: Workshop;
  readonly #process: TestProcess;
  readonly #written = new Journal<string>();

  constructor({ command: [program, ...args] }: Writer, workshop: Workshop) {
    this.#workshop = workshop;
    Deno.mkdirSync(workshop.path("to"));
    this.#process = new TestProcess(program, {
      args: [...args, workshop.path("to")],
      input: true,
      onLine: (line) => this.#written.add(line),
    });
    // Those that wait for a version learn that there will be none.
    void this.#process.ended.finally(() => this.#written.end());
  }

  /** Writes the next version, and returns its serial number. */
  async write(): Promise<string> {
    const serial = (this.serials.length + 1).toString(16);
    this.serials.push(serial);
    const folder = this.#workshop.path(`version-${serial}`);
    await Deno.mkdir(folder);
    const leaf: TestCertificate = makeCertificate({
      names: [{ uri: WORKER_SPIFFE }],
      issuer: root,
      serial: Uint8Array.of(this.serials.length),
    });
    await Deno.writeTextFile(`${folder}/ca.pem`, root.pem);
    await Deno.writeTextFile(`${folder}/cert.pem`, leaf.chainPem);
    await Deno.writeTextFile(`${folder}/key.pem`, leaf.keyPem);
    await this.#process.writeText(`${folder}\n`);
    await this.#written.until((line) => line === folder);
    return serial;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
