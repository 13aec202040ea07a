import type { EchoWorker } from "./ground.ts";
import { PeerFiles } from "./peer_files.ts";
import type { RefusedClient, StartRefused } from "./refused_clients.ts";

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

/** A program that makes one request and prints what its user reads, in a folder with the files of its peer. */
export function refusedProgram(
  program: string,
  args: (at: { readonly url: string; readonly files: PeerFiles }) => readonly string[],
): StartRefused {
  return async (config: EchoWorker["config"]) => {
    const files = await PeerFiles.of(config);
    const url = `https://127.0.0.1:${config.port}/selvage.test.v1.EchoService/Echo`;
    const call = async () => {
      const { success, stdout, stderr } = await new Deno.Command(program, {
        args: [...args({ url, files })],
        cwd: files.path(""),
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      if (!success) throw new Error(said);
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
