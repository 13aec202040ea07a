import { inspectSocket } from "../channel/mod.ts";
import { type ConfigurationError, unusable, WorkerUnavailable } from "../errors/mod.ts";
import { jsonLines } from "./json_lines.ts";

/** The longest line of an answer: a snapshot of a thousand peers. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Asks the admin socket of a worker or a dispatcher, and yields the lines of its answer.
 *
 * @throws {ConfigurationError} If the socket may be another user's, or the request is refused.
 * @throws {WorkerUnavailable} If nothing listens there.
 */
export async function* askAdmin(
  path: string,
  request: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): AsyncGenerator<Readonly<Record<string, unknown>>, void, undefined> {
  const found = await inspectSocket(path);
  const connection = await Deno.connect({ transport: "unix", path }).catch((cause) => {
    if (!found.ours) throw notOurs(path, `${found.why}${whereMissing(cause)}`);
    throw new WorkerUnavailable(`nothing listens on the admin socket ${path}`, {
      worker: { address: `unix:${path}` },
      notBegun: true,
      cause,
    });
  });
  const close = () => {
    try {
      connection.close();
    } catch {
      // closed already
    }
  };
  signal?.addEventListener("abort", close, { once: true });
  try {
    if (!found.ours) throw notOurs(path, found.why);
    // A socket that refuses a reader closes without reading; its answer says why.
    await send(connection, request).catch(() => {});
    for await (const line of jsonLines(chunksOf(connection), path, MAX_LINE_BYTES)) {
      const answer = line as Readonly<Record<string, unknown>>;
      if (typeof answer["error"] !== "string") yield answer;
      else throw unusable("--admin", answer["error"]);
    }
  } finally {
    signal?.removeEventListener("abort", close);
    close();
  }
}

async function send(connection: Deno.Conn, request: object): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

function notOurs(path: string, why: string): ConfigurationError {
  return unusable("--admin", `the admin socket ${path} is not used: ${why}`);
}

function whereMissing(cause: unknown): string {
  return cause instanceof Deno.errors.NotFound
    ? "; name the one of a running process: selvage worker --admin, or admin of Dispatcher.open"
    : "";
}

async function* chunksOf(connection: Deno.Conn): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) return;
    yield buffer.slice(0, read);
  }
}
