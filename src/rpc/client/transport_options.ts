import type { ConnectError, Interceptor } from "@connectrpc/connect";
import type { ClientConnection, HeaderList } from "../../http2/mod.ts";
import type { CompressionName } from "../wire/compression.ts";
import type { JsonOptions } from "../wire/json_options.ts";
import type { PrepareOptions } from "./prepared_request.ts";
import type { TransportChoices } from "./transport_choices.ts";

/** How a transport calls. */
export interface TransportOptions
  extends
    Pick<PrepareOptions, "authority" | "scheme" | "limits">,
    Pick<TransportChoices, "protocol" | "compression" | "useHttpGet"> {
  /** The connection that calls are made on. */
  readonly connection: ClientConnection;
  /** Fields sent with each request besides its own, an `authorization` for instance. Default: none. */
  readonly fields?: (() => Promise<HeaderList>) | undefined;
  /** Default: `binary`. */
  readonly format?: "binary" | "json" | undefined;
  /**
   * The compressions that responses may have. Default: all, `gzip` first; none for streams on the fast path, which are
   * on the plain path where any is named here.
   */
  readonly acceptCompression?: readonly CompressionName[];
  /** Run around every call, which then takes the plain path. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  /** The time of a call that names none, in milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** How messages are read from and written to JSON; a registry for `Any`, for instance. Default: as connect-es. */
  readonly json?: JsonOptions;
  /** Called once a stream, or a call on the plain path, is over, with why it failed. Default: nothing is done. */
  readonly ended?: ((error?: ConnectError) => void) | undefined;
}
