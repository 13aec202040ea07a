import type { DescMethod } from "@bufbuild/protobuf";
import type { ClientConnection, HeaderList } from "../../http2/mod.ts";

/** A call of a transport that looks for a connection. */
export interface PlacementRequest {
  /** The method that is called. */
  readonly method: DescMethod;
  /** The caller's signal and deadline; absent where it has neither. */
  readonly signal: AbortSignal | undefined;
  /** 1 at first; higher where earlier placements are known not to have begun the call. */
  readonly attempt: number;
  /** What the last placement failed with. */
  readonly failure: unknown;
}

/** The connection a call is made on. */
export interface Placement {
  /** Where the call goes. */
  readonly connection: ClientConnection;
  /** The `:authority` of the request. Default: the transport's. */
  readonly authority?: string;
  /** Fields sent with this request only, an `authorization` for instance. */
  readonly fields?: HeaderList;
  /** Called exactly once when the call on this connection is over, with the error it failed with where there is one. */
  readonly ended?: (error: unknown) => void;
}

/**
 * Chooses the connection of a call. It is asked again where the call is known not to have begun, with
 * the failure; what it throws is what the caller gets. One that gives the same connection again gives
 * up, and so does the call.
 */
export type Place = (request: PlacementRequest) => Placement | Promise<Placement>;
