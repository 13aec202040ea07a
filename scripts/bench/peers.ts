import { createAuthority } from "../../src/credentials/mod.ts";
import { Subject } from "./subject.ts";

const FOREIGN = new URL("../../tests/foreign/node", import.meta.url).pathname;

/** The peers that are measured beside us: `@grpc/grpc-js` under Node, and bare `node:tls` under Deno. */
export async function peerSubjects(stack: AsyncDisposableStack): Promise<Subject[]> {
  const folder = await Deno.makeTempDir({ prefix: "selvage-peers-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const authority = createAuthority({ name: "bench" });
  for (const name of ["worker", "caller"]) {
    const issued = authority.issue({ name, dns: ["localhost"] });
    await Deno.writeTextFile(`${folder}/ca.pem`, issued.caPem);
    await Deno.writeTextFile(`${folder}/${name}.pem`, issued.certPem);
    await Deno.writeTextFile(`${folder}/${name}.key`, issued.keyPem, { mode: 0o600 });
  }
  // The pinned versions that the interoperability tests use.
  for (const file of ["package.json", "package-lock.json"]) {
    await Deno.copyFile(`${FOREIGN}/${file}`, `${folder}/${file}`);
  }
  const here = (file: string) => new URL(`./peers/${file}`, import.meta.url).pathname;
  await Deno.copyFile(here("grpc_js.mjs"), `${folder}/grpc_js.mjs`);
  const install = new Deno.Command("npm", {
    args: ["ci", "--no-audit", "--no-fund", "--ignore-scripts"],
    cwd: folder,
    stdout: "null",
  });
  if (!(await install.output()).success) throw new Error("npm ci failed");
  const env = { BENCH_FOLDER: folder };
  return [
    new Subject({ name: "grpc-js", program: "node", args: [`${folder}/grpc_js.mjs`], env }),
    new Subject({ name: "node:tls", args: ["run", "-A", here("raw_tls.ts")], env }),
  ];
}
