import { create, toBinary } from "@bufbuild/protobuf";
import type { UniversalClientResponse } from "@connectrpc/connect/protocol";
import { createTransport as createConnectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpcTransport } from "@connectrpc/connect/protocol-grpc";
import { type HeaderList, headerValue } from "../../http2/mod.ts";
import { invalidFields } from "../wire/call_errors.ts";
import { compressionOf } from "../wire/compression.ts";
import { headersOf } from "../wire/header_fields.ts";
import type { PreparedUnary } from "./prepared_request.ts";

/** A response as it was received. */
export interface ReceivedResponse {
  readonly header: HeaderList;
  readonly trailer: HeaderList;
  readonly body: Uint8Array;
}

/**
 * Reads a complete response to a unary call with connect-es: errors with their details and metadata,
 * compressed messages, and everything a peer may have got wrong.
 *
 * @returns the bytes of its message.
 * @throws {ConnectError} the error it carries, or what is wrong with it.
 */
export async function readResponse(
  request: PreparedUnary,
  response: ReceivedResponse,
): Promise<Uint8Array> {
  const { method, limits } = request;
  const received = universalResponse(response);
  const options = {
    httpClient: () => Promise.resolve(received),
    baseUrl: "https://selvage",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: request.acceptCompression.map(compressionOf),
    sendCompression: null,
    compressMinBytes: limits.compressFromBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.sendBytes,
  };
  const transport = request.protocol === "connect"
    ? createConnectTransport(options)
    : createGrpcTransport(options);
  const { message } = await transport.unary(
    method,
    undefined,
    undefined,
    undefined,
    create(method.input),
  );
  return toBinary(method.output, message);
}

function universalResponse({ header, trailer, body }: ReceivedResponse): UniversalClientResponse {
  const headers = headersOf(header);
  const trailers = headersOf(trailer);
  if (headers === undefined || trailers === undefined) {
    throw invalidFields();
  }
  return {
    status: Number(headerValue(header, ":status")),
    header: headers,
    trailer: trailers,
    body: bodyOf(body),
  };
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}
