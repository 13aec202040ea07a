import { escapePeerText, type HandshakeEvidence, type PeerReason } from "../errors/mod.ts";
import type { TlsFacts } from "../channel/mod.ts";
import type { IdentityPattern, PeerIdentity } from "../identity/mod.ts";
import type { PeerAccepted, Unstamped } from "../observe/mod.ts";
import { distrusted, leftUnused, type OwnShown, type RefusalEvent } from "./accept_failure.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import type { PeerRefused } from "./judge.ts";
import { present } from "../values/mod.ts";

/** A client was accepted. */
export function acceptedEvent({ peer, generation }: PeerConnection): Unstamped<PeerAccepted> {
  const { facts, identity } = peer;
  return {
    type: "peer.accepted",
    side: "worker",
    security: facts.security,
    peer: peerRef(peer),
    ...present({ fingerprint: identity?.fingerprint }),
    ...(generation === 0 ? {} : { generation }),
    ...present({ resumed: facts.tls?.resumed, keyExchange: facts.tls?.keyExchange }),
  };
}

/** A client's certificate will not do. */
export function refusedEvent(
  remoteAddress: string,
  { reason, evidence }: PeerRefused,
): RefusalEvent {
  const peer = { address: remoteAddress };
  return reason === "identity-mismatch"
    ? refused(peer, "subject-not-allowed", { ...evidence, advice: MAY_BE_ALLOWED })
    : refused(peer, reason, evidence);
}

const MAY_BE_ALLOWED = "add one of its names to allow if it may connect";

/** A client does not agree to speak HTTP/2. */
export function noProtocolEvent(remoteAddress: string, { alpn }: TlsFacts): RefusalEvent {
  return refused({ address: remoteAddress }, "protocol-mismatch", {
    found: `the client offered ${alpn ?? "no"} protocol by ALPN, not h2`,
    advice: "use a client that speaks HTTP/2",
  });
}

/** A client is proven and allowed, and its identity has as many connections as it may. */
export function excessConnectionEvent(remoteAddress: string, identity: PeerIdentity): RefusalEvent {
  return refused({ address: remoteAddress, ...shownName(identity) }, "handshake-aborted", {
    found: "its identity has as many connections as one may",
    advice: "see why it opens so many, or raise limits.connectionsPerIdentity",
  });
}

/** A dialler within the process goes by an identity that is not allowed. */
export function notAllowedEvent(
  remoteAddress: string,
  identity: PeerIdentity,
  allow: readonly IdentityPattern[],
): RefusalEvent {
  return refused({ address: remoteAddress, ...shownName(identity) }, "subject-not-allowed", {
    ...notAllowed(allow),
    presented: identity.names.map((name) => escapePeerText(name)),
  });
}

/** The worker's own process may not connect to it: its certificate does not match `allow`. */
export function ownNotAllowedEvent(
  remoteAddress: string,
  allow: readonly IdentityPattern[],
): RefusalEvent {
  const found = "the worker's own certificate";
  return refused({ address: remoteAddress }, "subject-not-allowed", {
    ...notAllowed(allow),
    found,
  });
}

function notAllowed(allow: readonly IdentityPattern[]): HandshakeEvidence {
  return { rule: "name.no-match", advice: MAY_BE_ALLOWED, expected: allow.map(({ text }) => text) };
}

/** As {@linkcode leftUnused}, of a client that we have accepted. */
export function leftUnusedEvent({ peer }: PeerConnection, own: OwnShown | undefined): RefusalEvent {
  return { type: "handshake.refused", peer: peerRef(peer), ...leftUnused(own) };
}

/** A client that we have accepted cuts its calls off, as it accepts our certificate no longer: it gives the reason. */
export function distrustedEvent(
  { peer }: PeerConnection,
  word: PeerReason,
  own: OwnShown | undefined,
): RefusalEvent {
  return { type: "handshake.refused", peer: peerRef(peer), ...distrusted(word, own) };
}

/** Refused by the worker. */
function refused(
  peer: RefusalEvent["peer"],
  reason: RefusalEvent["reason"],
  evidence: HandshakeEvidence,
): RefusalEvent {
  return { type: "handshake.refused", side: "worker", reason, peer, evidence };
}

function peerRef({ remoteAddress, identity }: AcceptedPeer): RefusalEvent["peer"] {
  return { address: remoteAddress, ...(identity === undefined ? {} : shownName(identity)) };
}

/** A common name may hold anything. */
function shownName({ name }: PeerIdentity): { readonly identity: string } {
  return { identity: escapePeerText(name) };
}
