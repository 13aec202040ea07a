import type { SocketPlace } from "../channel/mod.ts";
import { ErrorCode, type ServerConnectionOptions } from "../http2/mod.ts";
import { IGNORED } from "./ignored_stream.ts";

/**
 * The options of a connection whose peer need not prove who it is: it keeps its place from its first request on.
 *
 * @param key What its connections are counted under.
 */
export function provenByRequest(
  options: ServerConnectionOptions,
  place: SocketPlace,
  key: string,
): ServerConnectionOptions {
  return {
    ...options,
    onRequest: (stream, fields, endStream) => {
      if (place.prove(key)) return options.onRequest(stream, fields, endStream);
      stream.reset(ErrorCode.REFUSED_STREAM);
      return IGNORED;
    },
  };
}
