import { Buffer } from "node:buffer";
import * as packet from "dns-packet";
import { sameName } from "./record_names.ts";

/** The record types that discovery asks for. */
export type RecordType = "A" | "AAAA" | "SRV";

/** One record of an answer. */
export type DnsRecord =
  | {
    readonly type: "A" | "AAAA" | "CNAME";
    readonly name: string;
    readonly ttl: number;
    readonly data: string;
  }
  | { readonly type: "SRV"; readonly name: string; readonly ttl: number; readonly data: SrvData };

/** What a SRV record says (RFC 2782). */
export interface SrvData {
  /** The host; `.` where the service is decidedly not available. */
  readonly target: string;
  readonly port: number;
  /** Lower is preferred. */
  readonly priority: number;
  readonly weight: number;
}

/** A server's response to one question. */
export interface DnsResponse {
  /** Whether it is the response to that question. */
  readonly matches: boolean;
  readonly truncated: boolean;
  /** The response code, such as `NOERROR`, `NXDOMAIN` or `SERVFAIL`. */
  readonly code: string;
  readonly answers: readonly DnsRecord[];
}

/** What the decoder returns, as far as it is read here. */
interface Decoded {
  readonly id: number;
  readonly type: string;
  readonly flag_tc: boolean;
  readonly rcode: string;
  readonly questions?: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly DnsRecord[];
}

/** A response of this size is asked for over UDP: it fits any path (DNS flag day 2020). */
const UDP_BYTES = 1232;

/** Writes a question (RFC 1035 §4.1), with EDNS (RFC 6891). */
export function encodeQuestion(id: number, name: string, type: RecordType): Uint8Array {
  return packet.encode({
    type: "query",
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: [{
      type: "OPT",
      name: ".",
      udpPayloadSize: UDP_BYTES,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    }],
  } as never);
}

/**
 * Reads a response.
 *
 * @throws {Error} If it is no DNS message.
 */
export function decodeResponse(
  bytes: Uint8Array,
  asked: { readonly id: number; readonly name: string; readonly type: RecordType },
): DnsResponse {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoded = decode(buffer);
  const [question] = decoded.questions ?? [];
  return {
    matches: decoded.type === "response" && decoded.id === asked.id && question !== undefined &&
      question.type === asked.type && sameName(question.name, asked.name),
    truncated: decoded.flag_tc,
    code: decoded.rcode,
    answers: decoded.answers ?? [],
  };
}

/** Where the flag TC and the counts of records are in a header (RFC 1035 §4.1.1). */
const HEADER = { flags: 2, truncated: 0x02, counts: 6, end: 12 } as const;

function decode(message: Buffer): Decoded {
  try {
    return packet.decode(message) as unknown as Decoded;
  } catch (error) {
    // RFC 2181 §9: what is cut, maybe within a record, is asked for again; its question says what it is about.
    if (((message[HEADER.flags] ?? 0) & HEADER.truncated) === 0) throw error;
    const question = Buffer.from(message).fill(0, HEADER.counts, HEADER.end);
    return packet.decode(question) as unknown as Decoded;
  }
}
