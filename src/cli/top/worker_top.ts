import type { AdminSnapshot } from "../../worker/mod.ts";
import { askAdmin } from "../admin_client.ts";
import { left, shownMs, type TopView } from "./top_view.ts";

/** Views of one worker, from its admin socket: one each time that one is asked for. */
export async function* workerViews(path: string): AsyncGenerator<TopView, void, undefined> {
  let before: AdminSnapshot | undefined;
  for (;;) {
    for await (const answer of askAdmin(path, { ask: "snapshot" })) {
      const snapshot = answer as unknown as AdminSnapshot;
      yield viewOf(snapshot, before);
      before = snapshot;
      break;
    }
  }
}

function viewOf(now: AdminSnapshot, before: AdminSnapshot | undefined): TopView {
  const { at, id, address, inFlight, names, certificateEnds, connections, peers, refusals } = now;
  const calls = now.calls.count - (before?.calls.count ?? 0);
  const seconds = now.calls.seconds - (before?.calls.seconds ?? 0);
  const elapsed = before === undefined ? undefined : (at - before.at) / 1_000;
  const parts = [
    names[0] ?? "no certificate",
    `certificate ${left(certificateEnds, at)}`,
    `${connections} connections`,
    `${inFlight} in flight`,
    ...elapsed === undefined || elapsed <= 0 ? [] : [`${Math.round(calls / elapsed)} calls/s`],
    ...calls <= 0 ? [] : [`mean ${shownMs(seconds / calls * 1_000)}`],
  ];
  return {
    title: `${id.slice(0, 8)} ${address}`,
    at,
    summary: parts.join(", "),
    head: ["PEER", "IDENTITY", "STATE", "CALLS", "CERTIFICATE", "SINCE"],
    rows: [...peers].sort((a, b) => b.calls - a.calls).map((peer) => [
      peer.address,
      peer.identity ?? "-",
      peer.takesCalls ? "ready" : "leaving",
      String(peer.calls),
      left(peer.certificateEnds, at),
      new Date(peer.since).toISOString().slice(11, 19),
    ]),
    refusals,
  };
}
