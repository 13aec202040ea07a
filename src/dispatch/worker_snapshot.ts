import type { WorkerSnapshot } from "../contract/mod.ts";
import { present } from "../values/mod.ts";
import type { Endpoint } from "./endpoint/endpoint.ts";

/** A worker as a dispatcher knows it now. */
export function workerSnapshot(endpoint: Endpoint): WorkerSnapshot {
  const { ref, state, link, tags = [], inFlight, handshakeFailures, lastFailure } = endpoint;
  return {
    ...ref,
    state,
    tags,
    inFlight,
    handshakeFailures,
    ...present({
      identity: link?.identity,
      certificateEnds: link?.validUntil,
      keyExchange: link?.tls?.keyExchange,
      lastFailure,
    }),
  };
}
