import { InvalidPayload, unusable } from "../../errors/mod.ts";
import type { HeaderList } from "../../http2/mod.ts";
import type { Link } from "../endpoint/link.ts";
import { inspectSocket } from "../../channel/mod.ts";

/** Headers that say what a request is; a caller's own would contradict them. */
const RESERVED =
  /^(?:selvage-|connect-|grpc-|content-|accept-encoding$|authorization$|connection$|host$|keep-alive$|proxy-connection$|te$|trailer$|transfer-encoding$|upgrade$|user-agent$)/;

/**
 * The caller's own headers, as a request carries them.
 *
 * @throws {ConfigurationError} If one is no header, or says what only the request itself may say.
 */
export function headerFields(headers: Readonly<Record<string, string>>): HeaderList {
  const fields: string[] = [];
  for (const [name, value] of checkedHeaders(headers)) {
    if (RESERVED.test(name)) {
      throw unusable("headers", `the header "${name}" is set by the call itself`);
    }
    fields.push(name, value);
  }
  return fields;
}

/**
 * A caller's own headers.
 *
 * @throws {ConfigurationError} If one is no header; it is named, and its value, which may be a token, is not repeated.
 */
export function checkedHeaders(headers: HeadersInit): Headers {
  try {
    return new Headers(headers);
  } catch {
    throw unusable("headers", whatIsInvalid(headers));
  }
}

function whatIsInvalid(headers: HeadersInit): string {
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of pairs) {
    if (!isHeader(name!, "")) return `${JSON.stringify(name)} is not the name of a header`;
    if (!isHeader(name!, value!)) {
      return `the header "${name}" has a value that no header may have, of more than one line for instance`;
    }
  }
  return "headers are names with their values";
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/** The fields that carry tokens: the same list for a token that comes again, checked once a connection. */
export class TokenFields {
  /** The token that each connection was found to take. */
  readonly #taken = new WeakMap<Link, string>();
  #last: { readonly token: string; readonly field: HeaderList } | undefined;

  /**
   * The field that carries a token over a connection to which one may go: TLS to a proven worker, a
   * unix socket in a folder of our own, or a channel within this process.
   *
   * @throws {ConfigurationError} If the connection is none of these.
   * @throws {InvalidPayload} If the token is larger than the header list that the worker takes.
   */
  field(token: string, link: Link): HeaderList | Promise<HeaderList> {
    if (this.#taken.get(link) === token) {
      insistOnSize(token, link.connection.peerMaxHeaderListBytes);
      return this.#fieldOf(token);
    }
    insistOnEncryption(link);
    // Another socket may have taken the place of the one that was dialled: that is checked each time.
    if (link.security === "unix-socket") {
      return insistOnOwnSocket(link).then(() => this.#checked(token, link));
    }
    const field = this.#checked(token, link);
    this.#taken.set(link, token);
    return field;
  }

  #checked(token: string, link: Link): HeaderList {
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw unusable("token", "the token is blank, or holds what a header cannot carry");
    }
    insistOnSize(token, link.connection.peerMaxHeaderListBytes);
    return this.#fieldOf(token);
  }

  #fieldOf(token: string): HeaderList {
    if (this.#last?.token !== token) {
      this.#last = { token, field: ["authorization", `Bearer ${token}`] };
    }
    return this.#last.field;
  }
}

function insistOnEncryption({ security }: Link): void {
  if (security !== "plaintext") return;
  throw unusable("token", "a token is not sent over plaintext; give credentials");
}

/** The socket that was dialled must have been ours then, and be there still. */
async function insistOnOwnSocket({ socket }: Link): Promise<void> {
  const { path = "", dialled } = socket ?? {};
  const now = await inspectSocket(path);
  const why = dialled === undefined
    ? "it is unknown which one was dialled"
    : !dialled.ours
    ? `when it was dialled, ${dialled.why}`
    : !now.ours
    ? now.why
    : now.device !== dialled.device || now.inode !== dialled.inode
    ? "another socket has taken its place since it was dialled"
    : undefined;
  if (why === undefined) return;
  throw unusable("token", `a token is not sent through unix:${path}: ${why}`);
}

/** What the other fields of a request take at least, in bytes. */
const OTHER_FIELDS_BYTES = 512;

/** A worker would refuse the request, or end the connection with every other call on it. */
function insistOnSize({ length }: string, limitBytes: number): void {
  if (length + OTHER_FIELDS_BYTES <= limitBytes) return;
  throw new InvalidPayload(
    `the token has ${length} bytes, and the worker takes header lists of at most ${limitBytes} bytes`,
    { path: "token" },
  );
}
