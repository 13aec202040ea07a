import { toBinary } from "@bufbuild/protobuf";
import { createTransport, endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { type HeaderList, headerValue } from "../../http2/mod.ts";
import type { BodyReader } from "../wire/body_reader.ts";
import { invalidFields } from "../wire/call_errors.ts";
import { compressionOf } from "../wire/compression.ts";
import { headersOf } from "../wire/header_fields.ts";
import type { PreparedStream } from "./prepared_request.ts";
import { WholeEnvelopes } from "../wire/whole_messages.ts";

/**
 * Reads the response to a call with streams with connect-es: compressed messages, invalid errors
 * of Connect's, and everything else a peer may have got wrong.
 *
 * @returns the bytes of its messages, each read when it is asked for.
 * @throws {ConnectError} the error it carries, or what is wrong with it.
 */
export async function* readStreamResponse(
  { method, limits, acceptCompression }: PreparedStream,
  fields: HeaderList,
  body: BodyReader,
): AsyncGenerator<Uint8Array, undefined> {
  const header = headersOf(fields);
  if (header === undefined) throw invalidFields();
  const transport = createTransport({
    httpClient: () =>
      Promise.resolve({
        status: Number(headerValue(fields, ":status")),
        header,
        body: new WholeEnvelopes(body, limits.messageBytes, { endFlag: endStreamFlag }),
        trailer: new Headers(),
      }),
    baseUrl: "https://selvage",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: acceptCompression.map(compressionOf),
    sendCompression: null,
    compressMinBytes: limits.compressFromBytes,
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.sendBytes,
  });
  const { message } = await transport
    .stream(method, undefined, undefined, undefined, nothing());
  for await (const item of message) yield toBinary(method.output, item);
}

async function* nothing(): AsyncGenerator<never> {}
