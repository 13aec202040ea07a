import { type HeaderList, headerValue } from "../../http2/mod.ts";
import { soleMessage } from "../wire/envelope.ts";

/** The message of a response that has nothing out of the ordinary about it; `undefined` of any other. */
export function ordinaryMessage(
  protocol: "connect" | "grpc",
  header: HeaderList,
  trailer: HeaderList,
  body: Uint8Array,
): Uint8Array | undefined {
  const ordinary = isOrdinary(protocol, header);
  if (!ordinary) return undefined;
  if (protocol === "connect") return body;
  return headerValue(trailer, "grpc-status") === "0" ? soleMessage(body) : undefined;
}

/** Peers send few different sections, and the HTTP/2 layer gives equal ones the same list. */
const ordinarySections = new WeakMap<HeaderList, boolean>();

function isOrdinary(protocol: "connect" | "grpc", header: HeaderList): boolean {
  const known = ordinarySections.get(header);
  if (known !== undefined) return known;
  const type = headerValue(header, "content-type");
  const ordinary = headerValue(header, ":status") === "200" &&
    (protocol === "connect"
      ? type === "application/proto" && isIdentity(headerValue(header, "content-encoding"))
      : (type === "application/grpc+proto" || type === "application/grpc") &&
        isIdentity(headerValue(header, "grpc-encoding")) &&
        headerValue(header, "grpc-status") === undefined);
  ordinarySections.set(header, ordinary);
  return ordinary;
}

function isIdentity(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === "identity";
}
