import type { TlsFacts } from "../channel/mod.ts";
import type { HandshakeEvidence, HandshakeReason, PeerReason } from "../errors/mod.ts";
import { judgePeer, type PeerQuestion, peerReasonOf, type Trusted } from "../identity/mod.ts";

/** Why a peer's certificate will not do. */
export interface PeerRefused {
  readonly trusted: false;
  /** In one word of the vocabulary. */
  readonly reason: HandshakeReason;
  /** The word that peer is told, where it is told. */
  readonly peerReason: PeerReason;
  readonly evidence: HandshakeEvidence;
}

/** The verdict on the peer of a channel. */
export type ChannelVerdict = Trusted | PeerRefused;

/**
 * Judges the peer of a channel: ours is the verdict, on a fresh handshake the platform must agree.
 * On a resumed session the platform has looked at nothing, and is not asked.
 */
export function judgeChannel(tls: TlsFacts, question: PeerQuestion): ChannelVerdict {
  if (tls.peerChain.length === 0) return nothingPresented(question);
  const verdict = judgePeer(withoutAnchors(tls.peerChain, question), question);
  if (!verdict.trusted) {
    return {
      ...verdict,
      peerReason: question.role === "client" ? peerReasonOf(verdict) : verdict.reason,
    };
  }
  if (!tls.resumed && !tls.platformAuthorized) return refusedByPlatform(tls.platformCode, question);
  return verdict;
}

/** The platform said no to a chain that we find nothing wrong with. */
export function refusedByPlatform(
  code: string | undefined,
  question: Pick<PeerQuestion, "now">,
): PeerRefused {
  return {
    trusted: false,
    reason: "certificate-unsuitable",
    peerReason: "certificate-unsuitable",
    evidence: {
      rule: "platform.refused",
      found: "the platform's own verification refuses this certificate",
      advice:
        "compare this machine's clock and the certificate's algorithms with what the platform supports",
      now: new Date(question.now).toISOString(),
      ...(code === undefined ? {} : { code }),
    },
  };
}

function nothingPresented(question: PeerQuestion): PeerRefused {
  return {
    trusted: false,
    reason: "client-certificate-required",
    peerReason: "client-certificate-required",
    evidence: {
      rule: "certificate.absent",
      found: "the peer presented no certificate",
      advice: "give the client a certificate and its key",
      expected: question.expected.map(({ text }) => text),
      now: new Date(question.now).toISOString(),
    },
  };
}

/**
 * The platform's server sends its whole `ca` bundle along with its chain, which must not use up the
 * limits of a verdict: anchors are ours already, so presenting one adds nothing.
 */
function withoutAnchors(
  [leaf, ...others]: readonly Uint8Array[],
  { anchors }: PeerQuestion,
): readonly Uint8Array[] {
  if (leaf === undefined) return [];
  return [leaf, ...others.filter((der) => !anchors.all.some((anchor) => equal(anchor.der, der)))];
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, at) => octet === b[at]);
}
