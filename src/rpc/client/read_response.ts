import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { StreamResponse } from "@connectrpc/connect";
import type { UniversalClientResponse } from "@connectrpc/connect/protocol";
import {
  createTransport as createConnectTransport,
  endStreamFlag,
} from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpcTransport } from "@connectrpc/connect/protocol-grpc";
import { type HeaderList, headerValue } from "../../http2/mod.ts";
import type { BodyReader } from "../wire/body_reader.ts";
import { invalidFields } from "../wire/call_errors.ts";
import { compressionOf } from "../wire/compression.ts";
import { headersOf } from "../wire/header_fields.ts";
import { WholeEnvelopes } from "../wire/whole_messages.ts";
import type { PreparedRequest, PreparedStream, PreparedUnary } from "./prepared_request.ts";

/** A response as it was received. */
export interface ReceivedResponse {
  readonly header: HeaderList;
  readonly trailer: HeaderList;
  readonly body: Uint8Array;
}

/**
 * Reads the message of a complete response to a unary call with connect-es: errors with their details and metadata,
 * compressed messages, and everything a peer may have got wrong.
 *
 * @throws {ConnectError} the error it carries, or what is wrong with it.
 */
export async function readUnaryResponse(
  request: PreparedUnary,
  { header, trailer, body }: ReceivedResponse,
): Promise<Uint8Array> {
  const { method } = request;
  const options = reading(request, header, trailer, bodyOf(body));
  const transport = request.protocol === "connect"
    ? createConnectTransport(options)
    : createGrpcTransport(options);
  const input = create(method.input);
  const { message } = await transport.unary(method, undefined, undefined, undefined, input);
  return toBinary(method.output, message);
}

/**
 * Reads the response to a call with streams with connect-es: compressed messages, invalid errors of Connect's, and
 * everything else a peer may have got wrong. Its messages are read when they are asked for.
 *
 * @throws {ConnectError} the error it carries, or what is wrong with it.
 */
export async function readStreamResponse(
  request: PreparedStream,
  header: HeaderList,
  body: BodyReader,
): Promise<StreamResponse> {
  const { method, limits } = request;
  const messages = new WholeEnvelopes(body, limits.messageBytes, { endFlag: endStreamFlag });
  const transport = createConnectTransport(reading(request, header, [], messages));
  return await transport.stream(method, undefined, undefined, undefined, nothing());
}

/** The messages of a response that connect-es reads, in binary form. */
export async function* messageBytes(
  response: Promise<StreamResponse>,
): AsyncGenerator<Uint8Array, undefined> {
  const { method, message } = await response;
  for await (const item of message) yield toBinary(method.output, item);
}

/** What connect-es makes a transport of that reads one response. */
function reading(
  { limits, acceptCompression }: PreparedRequest<DescMethod>,
  fields: HeaderList,
  trailers: HeaderList,
  body: AsyncIterable<Uint8Array>,
): Parameters<typeof createGrpcTransport>[0] {
  const header = headersOf(fields);
  const trailer = headersOf(trailers);
  if (header === undefined || trailer === undefined) throw invalidFields();
  const status = Number(headerValue(fields, ":status"));
  const response: UniversalClientResponse = { status, header, trailer, body };
  return {
    httpClient: () => Promise.resolve(response),
    baseUrl: "https://selvage",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: acceptCompression.map(compressionOf),
    sendCompression: null,
    compressMinBytes: limits.compressFromBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.sendBytes,
  };
}

async function* nothing(): AsyncGenerator<never> {}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}
