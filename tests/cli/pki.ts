/** Certificates for the tests of the command line. */
import { join } from "node:path";
import { inProcess } from "./in_process.ts";

/** An authority in a folder, as `selvage certs` makes it. */
export interface Pki {
  /** The path of one of its files. */
  file(name: string): string;
  /** The credentials flags of one name. */
  flags(name: string): string[];
}

/** An authority with a worker, a client and a stranger that nobody allows. */
export async function issue(): Promise<Pki> {
  const folder = await Deno.makeTempDir();
  await inProcess(["certs", "init", folder]);
  for (const name of ["worker", "client", "stranger"]) {
    await inProcess(["certs", "issue", folder, name, "--spiffe", `spiffe://x/${name}`]);
  }
  const file = (name: string) => join(folder, name);
  return {
    file,
    flags: (name) => [
      "--ca",
      file("ca.pem"),
      "--cert",
      file(`${name}.pem`),
      "--key",
      file(`${name}.key`),
    ],
  };
}
