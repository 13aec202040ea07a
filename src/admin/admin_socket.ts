import { claimSocketPath, inspectSocket, listenPrivately } from "../channel/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import { systemClock } from "../observe/mod.ts";
import { privateFolderOf, refused } from "./admin_folder.ts";
import { messageOf, present } from "../values/mod.ts";

/** What an admin socket answers; nothing of it changes the process. */
export interface AdminAnswers {
  /** How the worker or dispatcher is now. */
  readonly snapshot: () => unknown;
  /** What happens from now on. */
  readonly events: () => AsyncIterable<unknown> & Disposable;
  /** What a change of certificates would mean; they are PEM, without any key. */
  readonly rehearse: (pem: RehearsedPem, signal: AbortSignal) => Promise<unknown>;
}

/** The certificates that a reader sends for a rehearsal. */
export interface RehearsedPem {
  /** The authorities that peers would be judged by. */
  readonly ca: string;
  /** Our own new chain. Default: it stays. */
  readonly cert?: string;
}

/** Readers at once. */
const MAX_READERS = 8;
/** The longest request in bytes: a bundle of a few hundred authorities. */
const MAX_REQUEST_BYTES = 1024 * 1024;
/** From connect to request, and for each line of a response, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Serves one admin socket: each connection sends one line of JSON and is answered with lines
 * of JSON. The socket is created for its owner alone, in a folder that only its owner can enter.
 *
 * @throws {ConfigurationError} If another user could reach or replace it.
 */
export async function serveAdmin(path: string, answers: AdminAnswers): Promise<AsyncDisposable> {
  await privateFolderOf(path);
  await claimSocketPath(path, "admin");
  let listening: Deno.UnixListener | undefined;
  await listenPrivately(path, () => {
    listening = Deno.listen({ transport: "unix", path });
    return Promise.resolve();
  });
  const listener = listening!;
  const found = await inspectSocket(path);
  if (!found.ours) {
    listener.close();
    throw refused(found.why);
  }
  return new AdminSocket(listener, answers);
}

class AdminSocket implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #answers: AdminAnswers;
  readonly #readers = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  #closed = false;

  constructor(listener: Deno.UnixListener, answers: AdminAnswers) {
    this.#listener = listener;
    this.#answers = answers;
    this.#serving = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    // Removes the socket with it. A second look at the path might find that of a successor.
    this.#listener.close();
    for (const reader of this.#readers) close(reader);
    await this.#serving;
  }

  async #accept(): Promise<void> {
    for (;;) {
      const connection = await this.#listener.accept().catch(() => undefined);
      if (connection === undefined) {
        if (this.#closed) return;
        // No descriptor is left: a reader comes again.
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      void this.#serve(connection);
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    try {
      if (this.#readers.size >= MAX_READERS) {
        return await write(connection, { error: `${MAX_READERS} readers are connected already` });
      }
      this.#readers.add(connection);
      await this.#answer(connection, await requestOf(connection));
    } catch (error) {
      if (!(error instanceof Gone)) {
        const message = escapePeerText(messageOf(error));
        await write(connection, { error: message }).catch(() => {}); // gone meanwhile
      }
    } finally {
      this.#readers.delete(connection);
      close(connection);
    }
  }

  async #answer(connection: Deno.Conn, request: Readonly<Record<string, unknown>>): Promise<void> {
    const { ask, ...rest } = request;
    if (ask === "snapshot") return await write(connection, this.#answers.snapshot());
    if (ask === "events") return await this.#follow(connection);
    if (ask === "rehearse") {
      const left = new AbortController();
      void untilEnd(connection).then(() => left.abort(new Gone()));
      return await write(connection, await this.#answers.rehearse(pemIn(rest), left.signal));
    }
    throw new Error('ask is "snapshot", "events" or "rehearse"');
  }

  async #follow(connection: Deno.Conn): Promise<void> {
    using events = this.#answers.events();
    // A reader that leaves between two events gives its place to another.
    void untilEnd(connection).then(() => events[Symbol.dispose]());
    await write(connection, this.#answers.snapshot());
    for await (const event of events) await write(connection, event);
  }
}

/** The reader has left, or is too slow. */
class Gone extends Error {}

async function requestOf(connection: Deno.Conn): Promise<Readonly<Record<string, unknown>>> {
  using _patience = closingLate(connection);
  const parts: Uint8Array[] = [];
  let length = 0;
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) throw new Gone();
    const end = buffer.subarray(0, read).indexOf(0x0a);
    parts.push(buffer.slice(0, end < 0 ? read : end));
    length += parts.at(-1)!.length;
    if (length > MAX_REQUEST_BYTES) throw new Error("the request is longer than 1 MiB");
    if (end >= 0) break;
  }
  const value: unknown = JSON.parse(await new Blob(parts as BlobPart[]).text());
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new Error("a request is a JSON object");
}

function pemIn({ ca, cert }: Readonly<Record<string, unknown>>): RehearsedPem {
  if (typeof ca !== "string" || (cert !== undefined && typeof cert !== "string")) {
    throw new Error("a rehearsal takes ca, and may take cert: PEM texts");
  }
  if (/PRIVATE KEY/.test(ca) || /PRIVATE KEY/.test(cert ?? "")) {
    throw new Error("a rehearsal takes certificates alone; no private key is read here");
  }
  return { ca, ...present({ cert }) };
}

async function write(connection: Deno.Conn, value: unknown): Promise<void> {
  using _patience = closingLate(connection);
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let rest = bytes; rest.length > 0;) {
    const written = await connection.write(rest).catch(() => {
      throw new Gone();
    });
    rest = rest.subarray(written);
  }
}

/** Closes a connection that takes too long. */
function closingLate(connection: Deno.Conn): Disposable {
  return systemClock.schedule(() => close(connection), PATIENCE_MS);
}

/** Resolves when the reader has left; what else it sends is not read on. */
async function untilEnd(connection: Deno.Conn): Promise<void> {
  await connection.read(new Uint8Array(1)).catch(() => null);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
