import type { HeaderList } from "../../http2/mod.ts";
import type { RpcProtocol } from "../wire/protocol.ts";
import { parseConnectTimeout, parseGrpcTimeout } from "../wire/timeout_field.ts";

/** What a request's header section says, read once for all requests that share it. */
export interface RequestFacts {
  readonly httpMethod: string;
  readonly scheme: string;
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  /** The path without the query. */
  readonly path: string;
  readonly contentType: string;
  /** What the content type names; Connect where a GET has none. */
  readonly protocol: RpcProtocol | undefined;
  /** Whether the body is uncompressed binary of Connect or gRPC, and everything else about it is ordinary. */
  readonly plainBinary: boolean;
  /** The same of a body that is a stream of messages in envelopes. */
  readonly plainStream: boolean;
  /** The compressions the caller takes for the response. */
  readonly acceptEncoding: string | undefined;
  /** The same for the messages of a stream of Connect. */
  readonly acceptStreamEncoding: string | undefined;
  readonly timeoutMs: number | undefined;
  /** Whether a field stands there twice that different readers may take for different values. */
  readonly ambiguous: boolean;
  /** The promised length of the body; `NaN` where the field is not a number. */
  readonly contentLength: number | undefined;
}

/** Reads a valid request section. */
export function factsOf(fields: HeaderList): RequestFacts {
  const known = cache.get(fields);
  if (known !== undefined) return known;
  const facts = readFacts(fields);
  cache.set(fields, facts);
  return facts;
}

/** Callers send few different sections, and the HTTP/2 layer gives equal ones the same list. */
const cache = new WeakMap<HeaderList, RequestFacts>();

function readFacts(fields: HeaderList): RequestFacts {
  const values = new Map<string, string>();
  let ambiguous = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!values.has(name)) values.set(name, fields[at + 1] as string);
    else if (SINGLE.has(name)) ambiguous = true;
  }
  const httpMethod = values.get(":method") ?? "";
  const target = values.get(":path") ?? "";
  const query = target.indexOf("?");
  const contentType = values.get("content-type") ?? "";
  const protocol = protocolOf(contentType, httpMethod);
  const grpc = protocol !== "connect";
  const timeout = values.get(grpc ? "grpc-timeout" : "connect-timeout-ms");
  const timeoutMs = timeout === undefined
    ? undefined
    : (grpc ? parseGrpcTimeout : parseConnectTimeout)(timeout);
  const stream = contentType === STREAM;
  const encoding = values.get(encodingField(grpc, stream)) ?? "identity";
  const length = values.get("content-length");
  const plain = httpMethod === "POST" && query < 0 && encoding === "identity" &&
    (timeout === undefined || timeoutMs !== undefined);
  return {
    httpMethod,
    scheme: values.get(":scheme") ?? "https",
    authority: values.get(":authority") ?? values.get("host") ?? "",
    target,
    path: query < 0 ? target : target.slice(0, query),
    contentType,
    protocol,
    plainBinary: plain && PLAIN_BINARY.has(contentType),
    plainStream: plain && (stream || grpc && PLAIN_BINARY.has(contentType)),
    acceptEncoding: values.get(grpc ? "grpc-accept-encoding" : "accept-encoding"),
    acceptStreamEncoding: values.get("connect-accept-encoding"),
    timeoutMs,
    ambiguous,
    contentLength: length === undefined ? undefined : DIGITS.test(length) ? Number(length) : NaN,
  };
}

/** Fields that say how a call is read, or how long it has (RFC 9110 §5.3: not to be sent twice). */
const SINGLE: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "grpc-encoding",
  "grpc-timeout",
]);

function encodingField(grpc: boolean, stream: boolean): string {
  if (grpc) return "grpc-encoding";
  return stream ? "connect-content-encoding" : "content-encoding";
}

const DIGITS = /^[0-9]{1,15}$/;

const PLAIN_BINARY: ReadonlySet<string> = new Set([
  "application/proto",
  "application/grpc",
  "application/grpc+proto",
]);

const STREAM = "application/connect+proto";

function protocolOf(contentType: string, httpMethod: string): RpcProtocol | undefined {
  const type = contentType.toLowerCase();
  if (type.startsWith("application/grpc-web")) return "grpc-web";
  if (type.startsWith("application/grpc")) return "grpc";
  if (CONNECT.test(type) || (type === "" && httpMethod === "GET")) return "connect";
  return undefined;
}

const CONNECT = /^application\/(?:connect\+)?(?:proto|json)/;

/** The request's URL, with a host in place of an invalid authority, for which connect-es throws. */
export function urlOf(fields: HeaderList): string {
  const { scheme, authority, target } = factsOf(fields);
  const origin = `${scheme === "http" ? "http" : "https"}://`;
  const url = `${origin}${authority}${target}`;
  return HOST.test(authority) && URL.canParse(url) ? url : `${origin}unknown.invalid${target}`;
}

const HOST = /^[A-Za-z0-9._~%\-[\]:]+$/;
