import type { WorkerState } from "../../contract/mod.ts";
import type { Link } from "./link.ts";
import type { Ending } from "../../values/mod.ts";

/** Where a dispatcher stands with one worker. */
export type EndpointState =
  /** Not connected; the next demand dials. */
  | { readonly name: "idle" }
  | {
    readonly name: "dialling";
    readonly abort: Ending;
    /** Whether the attempt ended in a connection; never rejects. */
    readonly settled: Promise<boolean>;
  }
  | { readonly name: "open"; readonly link: Link; readonly retire: Disposable }
  | {
    readonly name: "failing";
    /** When the last attempt failed. */
    readonly at: number;
    /** The timer of the next attempt; a demand brings it forward. */
    readonly retry: Disposable;
    /** The result of the next attempt, where a call waits for it. */
    readonly awaited?: PromiseWithResolvers<boolean>;
  }
  | { readonly name: "removed" };

/** The last attempt to connect failed, and another is scheduled. */
export type Failing = EndpointState & { readonly name: "failing" };

/** The states by the names that snapshots use. */
export const SHOWN: Readonly<Record<EndpointState["name"], WorkerState>> = {
  idle: "idle",
  dialling: "connecting",
  open: "ready",
  failing: "failing",
  removed: "draining",
};

/** The states by the labels that metrics use; a worker that no call needs is not counted. */
export const COUNTED: Readonly<
  Record<EndpointState["name"], Exclude<WorkerState, "idle"> | undefined>
> = {
  idle: undefined,
  dialling: "connecting",
  open: "ready",
  failing: "failing",
  removed: undefined,
};
