import { dirname, join } from "node:path";
import { findTool, runTool } from "../../foreign/tool.ts";

/** A file that makes an image, and the folder that it copies. */
export interface Base {
  readonly file: string;
  readonly root: string;
}

/**
 * Writes what makes the image that the Containerfile starts from, as far as it is used: a shell, `chmod`, and the
 * Deno that runs this test, with their libraries. It stands for the one of Docker Hub, which a test does not fetch.
 */
export async function writeBase(folder: string): Promise<Base> {
  const root = join(folder, "root");
  const programs = [
    ["/bin/sh", "/bin/sh"],
    [findTool("chmod")!, "/bin/chmod"],
    [Deno.execPath(), "/usr/bin/deno"],
  ] as const;
  for (const [from, to] of programs) {
    await place(from, join(root, to));
    for (const library of await librariesOf(from)) await place(library, join(root, library));
  }
  const trust = "/etc/ssl/certs/ca-certificates.crt";
  await place(trust, join(root, trust));
  await Deno.mkdir(join(root, "tmp"), { mode: 0o1777 });
  const file = join(folder, "Basefile");
  const env = `PATH=/usr/bin:/bin SSL_CERT_FILE=${trust} DENO_TLS_CA_STORE=system`;
  await Deno.writeTextFile(file, `FROM scratch\nCOPY . /\nENV ${env}\n`);
  return { file, root };
}

/** Copies a file, through links. */
async function place(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(await Deno.realPath(from), to);
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await runTool("ldd", [await Deno.realPath(program)]);
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, path]) => path!);
}
