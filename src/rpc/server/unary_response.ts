import type { Compression } from "@connectrpc/connect/protocol";
import type { HeaderList } from "../../http2/mod.ts";
import { youngBuffers } from "../../platform/mod.ts";
import { acceptedCompression } from "../wire/compression.ts";
import { COMPRESSED_FLAG, envelope } from "../wire/envelope.ts";
import { appendFields, withLength } from "../wire/header_fields.ts";
import type { ArrivedRequest } from "./plain_call.ts";
import type { ResponseMetadata } from "./response_metadata.ts";

/** The compression of a response, where the caller takes one and the message is large enough. */
export function responseCompression(
  { facts, limits }: ArrivedRequest,
  message: Uint8Array,
): Compression | undefined {
  if (facts.acceptEncoding === undefined || message.byteLength < limits.compressFromBytes) {
    return undefined;
  }
  return acceptedCompression(facts.acceptEncoding);
}

const CONNECT_HEADER: HeaderList = [":status", "200", "content-type", "application/proto"];
const GRPC_HEADER: HeaderList = [":status", "200", "content-type", "application/grpc+proto"];
const GRPC_TRAILER: HeaderList = ["grpc-status", "0"];

/** Answers a unary call in binary form with its message, compressed as `compression` says. */
export function sendMessage(
  { facts, stream }: ArrivedRequest,
  message: Uint8Array,
  compression: string | undefined,
  metadata: ResponseMetadata | undefined,
): void {
  // The message's own buffer is freed once it is sent; what the program made it of is garbage.
  youngBuffers.handedOut(message.byteLength);
  if (facts.protocol === "grpc") {
    stream.sendHeaders(headerWith(GRPC_HEADER, "grpc-encoding", compression, metadata), false);
    const flags = compression === undefined ? 0 : COMPRESSED_FLAG;
    stream.sendData(envelope(message, flags), false, true);
    stream.sendTrailers(grpcTrailer(metadata?.trailer));
    return;
  }
  const header = headerWith(CONNECT_HEADER, "content-encoding", compression, metadata);
  const section = connectTrailer(header, metadata?.trailer);
  stream.sendHeaders(withLength(section, message.byteLength), false);
  stream.sendData(message, true, compression === undefined);
}

function headerWith(
  ordinary: HeaderList,
  encodingField: string,
  compression: string | undefined,
  metadata: ResponseMetadata | undefined,
): HeaderList {
  if (compression === undefined && metadata?.header === undefined) return ordinary;
  const section: string[] = [];
  if (metadata?.header === undefined) section.push(...ordinary);
  else {
    section.push(":status", "200");
    appendFields(section, metadata.header);
  }
  if (compression !== undefined) section.push(encodingField, compression);
  return section;
}

function grpcTrailer(trailer: Headers | undefined): HeaderList {
  if (trailer === undefined) return GRPC_TRAILER;
  const section: string[] = [];
  appendFields(section, trailer);
  return section;
}

/** Connect sends the trailers of a unary call in its header section. */
function connectTrailer(header: HeaderList, trailer: Headers | undefined): HeaderList {
  if (trailer === undefined) return header;
  const section = [...header];
  appendFields(section, trailer, "trailer-");
  return section;
}
