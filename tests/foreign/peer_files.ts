import type { PeerPem } from "./ground.ts";

/** A folder of files for a tool, gone with its disposal. */
export class PeerFiles implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a peer's authority, and its certificate and key where it has them. */
  static async of(
    { ca, cert, key }: Pick<PeerPem, "ca"> & Partial<PeerPem>,
  ): Promise<PeerFiles> {
    const files = new PeerFiles(await Deno.makeTempDir());
    await files.write("ca.pem", ca);
    if (cert !== undefined) await files.write("cert.pem", cert);
    if (key !== undefined) await files.write("key.pem", key);
    return files;
  }

  /** Where the file of that name is. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Writes a file; gives where it is. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = this.path(name);
    await Deno.writeFile(path, typeof content === "string" ? encoder.encode(content) : content);
    return path;
  }

  /** Reads a file. */
  read(name: string): Promise<Uint8Array> {
    return Deno.readFile(this.path(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const encoder = new TextEncoder();
