import type { ClientConnection, HeaderList, Stream, StreamEnd } from "../../src/http2/mod.ts";

/** What came back for a request made without any RPC code. */
export interface RawResponse {
  readonly header: HeaderList;
  readonly body: Uint8Array;
  readonly trailer: HeaderList;
  readonly end: StreamEnd;
}

/** A request made without any RPC code. */
export interface RawCall {
  readonly stream: Stream;
  readonly response: Promise<RawResponse>;
}

/** Sends a request whose body is `chunks`, and ends it where `endStream` says so. */
export function rawCall(
  connection: ClientConnection,
  fields: HeaderList,
  chunks: readonly Uint8Array[] = [],
  endStream = true,
): RawCall {
  const { promise, resolve } = Promise.withResolvers<RawResponse>();
  let header: HeaderList = [], trailer: HeaderList = [];
  const body: number[] = [];
  const stream = connection.open(fields, {
    headers: (fields) => header = fields,
    data: (bytes) => {
      body.push(...bytes);
      stream.release(bytes.byteLength);
    },
    trailers: (fields) => trailer = fields,
    closed: (end) => resolve({ header, body: Uint8Array.from(body), trailer, end }),
  }, { endStream: endStream && chunks.length === 0 });
  chunks.forEach((chunk, at) => stream.sendData(chunk, endStream && at === chunks.length - 1));
  return { stream, response: promise };
}

/** The header section of a POST to a path. */
export function post(path: string, contentType: string, ...more: string[]): string[] {
  return [
    ":method",
    "POST",
    ":scheme",
    "https",
    ":authority",
    "test",
    ":path",
    path,
    "content-type",
    contentType,
    ...more,
  ];
}

/** A message in its envelope, which may declare another length. */
export function enveloped(
  message: Uint8Array,
  flags = 0,
  declared = message.byteLength,
): Uint8Array {
  const bytes = new Uint8Array(5 + message.byteLength);
  new DataView(bytes.buffer).setUint8(0, flags);
  new DataView(bytes.buffer).setUint32(1, declared);
  bytes.set(message, 5);
  return bytes;
}
