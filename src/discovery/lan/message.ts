import { Buffer } from "node:buffer";
import * as packet from "dns-packet";

/** One record, as far as it is read and written here. */
export type LanRecord =
  & { readonly name: string; readonly ttl: number; readonly flush?: boolean }
  & (
    | { readonly type: "PTR" | "A" | "AAAA"; readonly data: string }
    | { readonly type: "SRV"; readonly data: { readonly target: string; readonly port: number } }
    | { readonly type: "TXT"; readonly data: readonly Uint8Array[] }
  );

export interface LanQuestion {
  readonly name: string;
  readonly type: string;
}

/** A message of multicast DNS (RFC 6762). */
export interface LanMessage {
  readonly kind: "query" | "response";
  readonly questions: readonly LanQuestion[];
  /** Answers and additional records; of a query, those that it knows. */
  readonly records: readonly LanRecord[];
}

/** A message may have so many bytes (RFC 6762 §17). */
export const MAX_MESSAGE_BYTES = 9_000;

/** Writes a query, with the answers that are known already (RFC 6762 §7.1). */
export function encodeQuery(
  questions: readonly LanQuestion[],
  known: readonly LanRecord[] = [],
): Uint8Array {
  return packet.encode({
    type: "query",
    id: 0,
    flags: 0,
    questions: questions.map((question) => ({ ...question, class: "IN" })),
    answers: known.map(written),
  } as never);
}

/** Writes a response: what was asked for, and what will be asked for next. */
export function encodeResponse(
  answers: readonly LanRecord[],
  additionals: readonly LanRecord[] = [],
): Uint8Array {
  return packet.encode({
    type: "response",
    id: 0,
    flags: packet.AUTHORITATIVE_ANSWER,
    answers: answers.map(written),
    additionals: additionals.map(written),
  } as never);
}

/**
 * Reads a message.
 *
 * @throws {Error} If it is no DNS message.
 */
export function decodeMessage(bytes: Uint8Array): LanMessage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoded = packet.decode(buffer) as unknown as {
    readonly type: "query" | "response";
    readonly questions?: readonly LanQuestion[];
    readonly answers?: readonly LanRecord[];
    readonly additionals?: readonly LanRecord[];
  };
  const { type: kind, questions = [], answers = [], additionals = [] } = decoded;
  return {
    kind,
    questions,
    records: [...answers, ...additionals].filter(({ type }) => READ.has(type)),
  };
}

const READ: ReadonlySet<string> = new Set(["PTR", "SRV", "TXT", "A", "AAAA"]);

function written(record: LanRecord) {
  const data = record.type === "TXT" ? record.data.map((text) => Buffer.from(text)) : record.data;
  return { class: "IN", ...record, data };
}
