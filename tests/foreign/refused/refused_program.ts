import { PeerFiles } from "../peer_files.ts";
import type { RefusedClient, StartRefused } from "./refused_client.ts";

/**
 * A client whose call fails by throwing.
 *
 * @param call Makes a call.
 * @param resource What is disposed of with it.
 */
export function refusedBy(
  call: () => Promise<unknown>,
  resource: AsyncDisposable,
): RefusedClient {
  return {
    ask: async <Answer>() => {
      const failure = await call().then(() => undefined, (error) => error);
      return { failure: failure && { message: textOf(failure) } } as Answer;
    },
    [Symbol.asyncDispose]: () => resource[Symbol.asyncDispose](),
  };
}

/** Where a program calls, and what it shows. */
export interface RefusedTarget {
  readonly port: number;
  /** Where `Echo` is, for a program that speaks plain HTTP. */
  readonly url: string;
  /** Whether the folder has a certificate. */
  readonly hasCertificate: boolean;
}

/**
 * A program that makes one request and prints what its user reads. It runs in a folder with `ca.pem` and, where the
 * client has a certificate, `cert.pem` and `key.pem`.
 */
export function refusedProgram(
  program: string,
  args: (target: RefusedTarget) => readonly string[],
): StartRefused {
  return async (config) => {
    const files = await PeerFiles.of(config);
    const url = `https://127.0.0.1:${config.port}/selvage.test.v1.EchoService/Echo`;
    const hasCertificate = config.cert !== undefined;
    const call = async () => {
      const { success, stdout, stderr } = await new Deno.Command(program, {
        args: [...args({ port: config.port, url, hasCertificate })],
        cwd: files.path(""),
      }).output();
      const printed = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      if (!success) throw new Error(printed);
    };
    return refusedBy(call, files);
  };
}

/** All that an error says, with its causes. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}; ${textOf(error.cause)}`;
}
