import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";
import { AuthorizationError, Credentials, Dispatcher, RoutineError } from "../../mod.ts";
import { createAuthority } from "../../src/testing/mod.ts";
import { Journal } from "../../tests/support/journal.ts";
import { TestProcess } from "../../tests/support/test_process.ts";
import { signReport } from "./routines.ts";

const SECRET = "correct horse battery staple";
const REPORT = "spiffe://example.org/report";
const OTHER = "spiffe://example.org/other";
const WALLET = "spiffe://example.org/wallet";
const CALLER = "spiffe://example.org/client/a";
const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const at = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

Deno.test("a routine fetches its secret from the wallet at run time; another worker and another alias are denied", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const authority = createAuthority();
  await Deno.writeTextFile(`${folder}/ca.pem`, authority.certPem);
  const said: string[] = [];
  const start = async (name: string, spiffe: string, event: string, program: Program) => {
    const { certPem, keyPem } = authority.issue({ name, spiffe });
    const files = [`${folder}/ca.pem`, `${folder}/${name}.pem`, `${folder}/${name}.key`] as const;
    await Deno.writeTextFile(files[1], certPem);
    await Deno.writeTextFile(files[2], keyPem);
    const lines = new Journal<string>();
    const process = stack.use(
      new TestProcess(Deno.execPath(), {
        // None of them may write a file.
        args: [
          "run",
          "--no-prompt",
          "--allow-net",
          "--allow-read",
          "--allow-env",
          ...program.args(files),
        ],
        env: program.env ?? {},
        onLine: (line) => {
          said.push(line);
          lines.add(line);
        },
        onErrorLine: (line) => void said.push(line),
      }),
    );
    void process.ended.then(() => lines.end());
    const line = await lines.until((line) => line.includes(event));
    return JSON.parse(line).address as string;
  };
  const wallet = await start("wallet", WALLET, "wallet.ready", {
    args: (files) => [at("wallet.ts"), ...files],
    env: {
      WALLET_SECRETS: JSON.stringify({ "report-key": SECRET, "other-key": "something else" }),
      WALLET_GRANTS: JSON.stringify({ [REPORT]: ["report-key"], [OTHER]: [] }),
    },
  });
  const worker = (name: string, spiffe: string) =>
    start(name, spiffe, "worker.ready", {
      args: ([ca, cert, key]) => [
        ...[main, "worker", at("routines.ts"), "--allow", CALLER, "--log-level", "debug"],
        ...["--ca", ca, "--cert", cert, "--key", key],
        ...["--discover", `static:${wallet}`, "--identity", WALLET],
      ],
    });
  const [report, other] = [await worker("report", REPORT), await worker("other", OTHER)];
  const { certPem: cert, keyPem: key } = authority.issue({ name: "caller", spiffe: CALLER });
  const credentials = Credentials.fromPem({ ca: authority.certPem, cert, key });
  const call = async (endpoint: string, identity: string, alias: string): Promise<string> => {
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${endpoint}`,
      credentials,
      identity,
    });
    return await dispatcher.call(signReport, ["the report", alias]);
  };
  const signed = createHmac("sha256", SECRET).update("the report").digest("hex");
  assert.equal(await call(report, REPORT, "report-key"), signed);
  for (
    const [endpoint, identity, alias] of [
      [other, OTHER, "report-key"],
      [report, REPORT, "other-key"],
    ] as const
  ) {
    await assert.rejects(call(endpoint, identity, alias), (error) => {
      assert.ok(error instanceof RoutineError, String(error));
      assert.ok(error.cause instanceof AuthorizationError, String(error.cause));
      return true;
    });
  }
  assert.ok(said.length > 5);
  for (const line of said) assert.ok(!line.includes(SECRET) && !line.includes(btoa(SECRET)), line);
});

/** How one of the programs is started. */
interface Program {
  readonly args: (files: readonly [string, string, string]) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
