import type { TlsFacts } from "../channel/mod.ts";
import type { CredentialMaterial } from "../credentials/mod.ts";
import type { HandshakeEvidence, HandshakeReason, PeerReason } from "../errors/mod.ts";
import {
  decidedAtOnce,
  judging,
  knownVerdict,
  type PeerQuestion,
  peerReasonOf,
  type Steps,
  type Trusted,
} from "../identity/mod.ts";
import type { ListenForPeersOptions } from "./options.ts";
import { verdictTurns } from "./verdict_turns.ts";
import { present } from "../values/mod.ts";

/** Why a peer's certificate will not do. */
export interface PeerRefused {
  readonly trusted: false;
  /** In one word of the vocabulary. */
  readonly reason: HandshakeReason;
  /** The word that is sent to the peer, where one is sent. */
  readonly peerReason: PeerReason;
  readonly evidence: HandshakeEvidence;
}

/** The verdict on the peer of a channel. */
export type ChannelVerdict = Trusted | PeerRefused;

/** What is asked about a client under some credentials. */
export function clientQuestion(
  { anchors, denylist, verdict: mode = "private" }: CredentialMaterial,
  { allow: expected, verdict: limits = {} }: Pick<ListenForPeersOptions, "allow" | "verdict">,
  now: number,
): PeerQuestion {
  if (anchors === undefined) throw new TypeError("mutual credentials have anchors");
  return { role: "client", anchors, expected, mode, denylist, now, limits };
}

/**
 * Judges the peer of a channel: ours is the verdict, and about a server the platform must agree on a
 * fresh handshake. On a resumed session the platform has checked nothing, and is not asked; nor is it
 * about a client, whose authorities it is not given (`serverTls`).
 */
export function judgeChannel(tls: TlsFacts, question: PeerQuestion): ChannelVerdict {
  return decidedAtOnce(judgingChannel(tls, question));
}

/**
 * As {@linkcode judgeChannel}, in turns with the rest of the process. The question is asked at once: where trust may
 * have changed meanwhile, it is for the caller to ask again. A verdict that is not `wanted` any more never comes;
 * one that is known takes no turn.
 */
export function judgeInTurns(
  tls: TlsFacts,
  question: PeerQuestion,
  wanted: () => boolean,
): Promise<ChannelVerdict> {
  const known = isRefusedAlready(tls, question) ? undefined : knownVerdict(tls.peerChain, question);
  if (known !== undefined) return Promise.resolve(known);
  return verdictTurns.take(judgingChannel(tls, question), wanted);
}

function* judgingChannel(
  tls: TlsFacts,
  question: PeerQuestion,
): Steps<ChannelVerdict> {
  if (tls.peerChain.length === 0) return nothingPresented(question);
  const refusedAlready = isRefusedAlready(tls, question);
  const verdict = yield* judging(tls.peerChain, { ...question, onlyReason: refusedAlready });
  if (!verdict.trusted) {
    return {
      ...verdict,
      peerReason: question.role === "client" ? peerReasonOf(verdict) : verdict.reason,
    };
  }
  return refusedAlready ? refusedByPlatform(tls.platformCode, question) : verdict;
}

/** Whether the platform was asked, and said no. */
function isRefusedAlready(tls: TlsFacts, { role }: PeerQuestion): boolean {
  return role === "server" && !tls.resumed && !tls.platformAuthorized;
}

/** The rule of {@linkcode refusedByPlatform}. */
export const PLATFORM_REFUSED = "platform.refused";

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
      rule: PLATFORM_REFUSED,
      found: "the platform's own verification refuses this certificate",
      advice:
        "compare this machine's clock and the certificate's algorithms with what the platform supports",
      now: new Date(question.now).toISOString(),
      ...present({ code }),
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
