import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { escapePeerText } from "../../errors/mod.ts";
import { DescribeResponseSchema, WorkerService } from "../../gen/mod.ts";
import type { ClientConnection } from "../../http2/mod.ts";
import { sameBytes } from "../../identity/mod.ts";
import { callUnaryBytes, prepareRequest } from "../../rpc/mod.ts";
import { type AbortEvents, present } from "../../values/mod.ts";
import { BETWEEN_NAMES, ofVersion } from "../selection/served_names.ts";

/** What a proven worker says of itself. */
export interface SelfDescription {
  /** Its id. */
  readonly id?: string;
  /** Its tags. */
  readonly tags?: readonly string[];
  /** The routines, with and without their versions, and the services that we may call there, one a line, in order. */
  readonly serves?: string;
  /** Whether it verifies no tokens; a worker that does not say may verify some. */
  readonly ignoresTokens?: boolean;
}

/** How long a worker may take to say it; one that says nothing is called all the same. */
const TIMEOUT_MS = 2_000;

/** More tags than this, or longer ones, are not kept. */
const MAX_TAGS = 64;
const MAX_TAG_LENGTH = 256;

/** A longer list of names is not kept, in characters: the worker is asked for everything. */
const MAX_NAMES_LENGTH = 64 * 1024;

/** A longer answer is not read: one of 4 MiB would take more than a second to decode, at every connection. */
const MAX_ANSWER_BYTES = 256 * 1024;

const request = prepareRequest(WorkerService.method.describe);
const nothing = new Uint8Array(0);

/** Asks a worker for its id, its tags, what it serves, and whether it verifies tokens. A server that is no worker of ours says none of it. */
export async function describeSelf(
  connection: ClientConnection,
  signal: AbortEvents,
): Promise<SelfDescription> {
  try {
    return read(await ask(connection, signal, TIMEOUT_MS));
  } catch {
    return {};
  }
}

/** As {@linkcode describeSelf}, asked before the worker has accepted us. */
export class EarlyDescription {
  readonly #answer: Promise<SelfDescription>;
  /** Whether the time for an answer is over. */
  #lapsed = false;

  /** Asks for it. */
  constructor(connection: ClientConnection, signal: AbortEvents, timeoutMs: number = TIMEOUT_MS) {
    this.#answer = ask(connection, signal, timeoutMs).then(read).catch((error) => {
      this.#lapsed = ConnectError.from(error).code === Code.DeadlineExceeded;
      return {};
    });
  }

  /** What a worker that has accepted us by now says; `undefined` where the time was over before it did. */
  accepted(): Promise<SelfDescription> | undefined {
    return this.#lapsed ? undefined : this.#answer;
  }
}

function ask(
  connection: ClientConnection,
  signal: AbortEvents,
  timeoutMs: number,
): Promise<Uint8Array> {
  return callUnaryBytes(connection, request, nothing, { timeoutMs, signal });
}

/** Answers that were read, by their last bytes: a worker that is connected to again says the same. */
const answersRead = new Map<
  number,
  { readonly answer: Uint8Array; readonly said: SelfDescription }
>();
const ANSWERS_KEPT = 16;
/** A longer answer is not kept. */
const MAX_KEPT_BYTES = 16 * 1024;

function read(answer: Uint8Array): SelfDescription {
  const key = lastBytes(answer);
  const known = answersRead.get(key);
  if (known !== undefined && sameBytes(known.answer, answer)) return known.said;
  const said = readAnew(answer);
  if (answer.byteLength > MAX_KEPT_BYTES) return said;
  if (answersRead.size >= ANSWERS_KEPT) answersRead.delete(answersRead.keys().next().value!);
  // A copy: the answer may be a part of what was read.
  answersRead.set(key, { answer: new Uint8Array(answer), said });
  return said;
}

function lastBytes(answer: Uint8Array): number {
  let key = answer.length;
  for (let at = Math.max(0, answer.length - 4); at < answer.length; at++) {
    key = key * 256 + answer[at]!;
  }
  return key;
}

function readAnew(answer: Uint8Array): SelfDescription {
  if (answer.byteLength > MAX_ANSWER_BYTES) return {};
  const { workerId, tags, routines, services, verifiesTokens } = fromBinary(
    DescribeResponseSchema,
    answer,
  );
  const versioned = routines.filter(({ version }) => version !== "")
    .map(({ name, version }) => ofVersion(name, version));
  const serves = listed([...routines.map(({ name }) => name), ...versioned, ...services]);
  return {
    ...(workerId === "" ? {} : { id: escapePeerText(workerId) }),
    tags: tags.slice(0, MAX_TAGS).filter((tag) => tag.length <= MAX_TAG_LENGTH),
    ignoresTokens: verifiesTokens === false,
    ...present({ serves }),
  };
}

/** Names as one list; `undefined` where there is none: a worker that wants a token lists nothing without it. */
function listed(names: readonly string[]): string | undefined {
  const list = names.filter((name) => !name.includes(BETWEEN_NAMES)).sort().join(BETWEEN_NAMES);
  return list === "" || list.length > MAX_NAMES_LENGTH ? undefined : list;
}
