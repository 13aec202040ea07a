import { INITIAL_WINDOW_BYTES } from "../send/send_scheduler.ts";

/** What a client takes for the server's limit until its SETTINGS arrive: most allow at least this. */
const ASSUMED_CONCURRENT_STREAMS = 100;

/**
 * What the peer's SETTINGS say, RFC 9113 §6.5.2, as far as it is kept: its table size goes to the
 * encoder, and its MAX_FRAME_SIZE is never made use of.
 */
export interface PeerSettings {
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxHeaderListBytes: number;
}

/** What holds until the peer's SETTINGS arrive. */
export function initialPeerSettings(): PeerSettings {
  return {
    maxConcurrentStreams: ASSUMED_CONCURRENT_STREAMS,
    initialWindowBytes: INITIAL_WINDOW_BYTES,
    maxHeaderListBytes: Infinity,
  };
}
