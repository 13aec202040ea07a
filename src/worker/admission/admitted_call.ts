import type { CallAuthorization } from "./authorization.ts";
import type { AuthenticatedCall } from "../connected_peer.ts";

/** What a call was admitted with. */
export interface AdmittedCall extends AuthenticatedCall {
  /** What decides about the routine that its envelope names, where a policy does. */
  readonly authorization?: CallAuthorization;
}
