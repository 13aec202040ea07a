import { joined } from "../../values/mod.ts";
import type { AnswerHead } from "../first_protocol.ts";

/** What a probe may ask for, by its path; gives a status and a text. */
export type ProbePaths = ReadonlyMap<string, () => ProbeResponse>;

/** What a probe is answered. */
export interface ProbeResponse {
  readonly status: 200 | 503;
  readonly type?: string;
  readonly text: string;
}

const REASONS = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
} as const;

const REQUEST_LINE = /^([A-Z]{1,16}) (\/[!-~]*) HTTP\/1\.[01]\r\n/;

/** Answers GET and HEAD of these paths in HTTP/1.1, one request a connection, and nothing else. */
export function answerProbes(paths: ProbePaths): AnswerHead {
  return (head) => {
    if (!head.includes("\r\n\r\n")) return plain(431);
    const [, method, target = ""] = REQUEST_LINE.exec(head) ?? [];
    if (method === undefined) return plain(400);
    if (method !== "GET" && method !== "HEAD") return plain(405);
    const answer = paths.get(target.split("?")[0]!);
    if (answer === undefined) return plain(404);
    const { status, text, type = "text/plain; charset=utf-8" } = answer();
    return response(status, text, type, method === "HEAD");
  };
}

function plain(status: keyof typeof REASONS): Uint8Array {
  return response(status, `${REASONS[status]}\n`, "text/plain; charset=utf-8", false);
}

function response(
  status: keyof typeof REASONS,
  text: string,
  type: string,
  headOnly: boolean,
): Uint8Array {
  const body = utf8.encode(text);
  const head = utf8.encode([
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `content-type: ${type}`,
    `content-length: ${body.length}`,
    "cache-control: no-store",
    ...(status === 405 ? ["allow: GET, HEAD"] : []),
    "connection: close",
    "\r\n",
  ].join("\r\n"));
  return headOnly ? head : joined([head, body]);
}

const utf8 = new TextEncoder();
