import type { DispatcherSnapshot } from "../../dispatch/mod.ts";
import type { AdminSnapshot } from "../../worker/mod.ts";
import { askAdmin } from "../admin_client.ts";
import { left, shownMs, type TopView } from "./top_view.ts";

/** Views of one worker or dispatcher, from its admin socket: one each time that one is asked for. */
export async function* adminViews(path: string): AsyncGenerator<TopView, void, undefined> {
  let before: Snapshot | undefined;
  for (;;) {
    for await (const answer of askAdmin(path, { ask: "snapshot" })) {
      const snapshot = answer as unknown as Snapshot;
      yield viewOf(snapshot, before);
      before = snapshot;
      break;
    }
  }
}

type Snapshot = AdminSnapshot | DispatcherSnapshot;

function viewOf(now: Snapshot, before: Snapshot | undefined): TopView {
  const { at, refusals } = now;
  const summary = summaryOf(now, before);
  return now.of === "dispatcher"
    ? {
      title: `${now.id.slice(0, 8)} ${now.discovery.join(" ")}`,
      at,
      summary,
      refusals,
      ...workersOf(now),
    }
    : { title: `${now.id.slice(0, 8)} ${now.address}`, at, summary, refusals, ...peersOf(now) };
}

function summaryOf(now: Snapshot, before: Snapshot | undefined): string {
  const { at, inFlight, names, certificateEnds } = now;
  const calls = now.calls.count - (before?.calls.count ?? 0);
  const seconds = now.calls.seconds - (before?.calls.seconds ?? 0);
  const elapsed = before === undefined ? undefined : (at - before.at) / 1_000;
  const peers = now.of === "worker" ? now.connections : now.workers.length;
  return [
    names[0] ?? "no certificate",
    `certificate ${left(certificateEnds, at)}`,
    `${peers} ${now.of === "worker" ? "connection" : "worker"}${peers === 1 ? "" : "s"}`,
    `${inFlight} in flight`,
    ...elapsed === undefined || elapsed <= 0 ? [] : [`${Math.round(calls / elapsed)} calls/s`],
    ...calls <= 0 ? [] : [`mean ${shownMs(seconds / calls * 1_000)}`],
  ].join(", ");
}

function workersOf({ at, workers }: DispatcherSnapshot): Pick<TopView, "head" | "rows"> {
  return {
    head: ["WORKER", "IDENTITY", "STATE", "IN FLIGHT", "CERTIFICATE", "PROBLEM"],
    rows: [...workers].sort((a, b) => b.inFlight - a.inFlight).map((worker) => {
      const [problem] = Object.entries(worker.handshakeFailures).sort(([, a], [, b]) => b - a);
      return [
        worker.address,
        worker.identity ?? "-",
        worker.state,
        String(worker.inFlight),
        left(worker.certificateEnds, at),
        worker.state === "ready" ? "" : problem?.[0] ?? worker.lastFailure ?? "",
      ];
    }),
  };
}

function peersOf({ at, peers }: AdminSnapshot): Pick<TopView, "head" | "rows"> {
  return {
    head: ["PEER", "IDENTITY", "STATE", "CALLS", "CERTIFICATE", "SINCE"],
    rows: [...peers].sort((a, b) => b.calls - a.calls).map((peer) => [
      peer.address,
      peer.identity ?? "-",
      peer.takesCalls ? "ready" : "leaving",
      String(peer.calls),
      left(peer.certificateEnds, at),
      new Date(peer.since).toISOString().slice(11, 19),
    ]),
  };
}
