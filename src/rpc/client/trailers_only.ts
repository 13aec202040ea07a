import type { BodyReader } from "../wire/body_reader.ts";
import { envelope } from "../wire/envelope.ts";

const TRAILER_FLAG = 0x80;

/**
 * Whether a header section claims to be the trailers, too, of a gRPC call that went well. If nothing
 * follows, it is all there is of the response; connect-es then overlooks its metadata.
 */
export function hasTrailers(header: Headers): boolean {
  return header.get("grpc-status") === "0" && typeOf(header).startsWith("application/grpc");
}

/** Puts the trailers of such a header section where connect-es looks for them. */
export function takeTrailers(header: Headers, trailer: Headers, body: BodyReader): void {
  if (!typeOf(header).startsWith("application/grpc-web")) {
    for (const [name, value] of metadataOf(header)) trailer.append(name, value);
    return;
  }
  const lines = metadataOf(header).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  body.push(envelope(new TextEncoder().encode(lines), TRAILER_FLAG));
  header.delete("grpc-status");
}

function metadataOf(header: Headers): [string, string][] {
  return [...header].filter(([name]) => name !== "content-type" && name !== "grpc-encoding");
}

function typeOf(header: Headers): string {
  return header.get("content-type") ?? "";
}
