import type { AbuseBudgets } from "../guard/abuse_budgets.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Http2Limits } from "../limits.ts";
import type { QueuedBytes } from "../send/queued_bytes.ts";
import type { SendScheduler } from "../send/send_scheduler.ts";
import type { ReceiveFlow } from "../streams/receive_flow.ts";
import type { Streams } from "../streams/streams.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Pings } from "./pings.ts";
import type { Settings } from "./settings.ts";

/** What a connection has, one owner for each thing; each end's {@linkcode Role} works with these. */
export interface ConnectionParts {
  readonly limits: Http2Limits;
  /** From open to closed, and the GOAWAYs in between. */
  readonly lifecycle: Lifecycle;
  /** The SETTINGS of both ends. */
  readonly settings: Settings;
  /** The streams, and how they end. */
  readonly streams: Streams;
  /** What waits to be written, and in which order. */
  readonly scheduler: SendScheduler;
  /** How much DATA waits. */
  readonly queued: QueuedBytes;
  /** The windows that the peer sends into. */
  readonly flow: ReceiveFlow;
  /** What the peer may ask for that brings it nothing. */
  readonly abuse: AbuseBudgets;
  readonly pings: Pings;
  readonly deadlines: Deadlines;
}
