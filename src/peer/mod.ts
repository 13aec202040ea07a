/**
 * From a dialled or accepted channel to a proven peer with an HTTP/2 connection, or a named failure.
 *
 * @module
 */
export type { PeerRefused } from "./judge.ts";
export { readRefusal, refusalData } from "./refusal.ts";
export { adviceOnOurs } from "./own_advice.ts";
export * from "./accepted_peer.ts";
export * from "./dial/dial_peer.ts";
export * from "./dial/dialled_peer.ts";
export { judgingTurns } from "./judging_turns.ts";
export * from "./listen_for_peers.ts";
export * from "./options.ts";
export {
  refusedWorker,
  type Rehearsal,
  rehearsalOf,
  type RehearsalRequest,
  type RehearsedPeer,
  type RehearseOptions,
  rehearsePeers,
} from "./rehearsal.ts";
export { verdictTurns } from "./verdict_turns.ts";
export { type OwnProcess, processSecret } from "./process_secret.ts";
