import type { TlsFacts } from "../channel/mod.ts";
import type { Credentials, RehearsedOwn } from "../credentials/mod.ts";
import { escapePeerText, type HandshakeError } from "../errors/mod.ts";
import type { HandshakeEvidence, HandshakeReason, PeerReason } from "../errors/mod.ts";
import type { Certificate, PeerQuestion } from "../identity/mod.ts";
import { type ChannelVerdict, judgeInTurns } from "./judge.ts";
import { toBase64 } from "../platform/mod.ts";
import { present } from "../values/mod.ts";

/** What to rehearse. */
export interface RehearseOptions {
  /**
   * The credentials that would be adopted; for a worker `Credentials.trustOnly({ ca })` where only the
   * authorities change.
   */
  readonly credentials: Credentials;
  /** Gives up; its reason is thrown. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** What an admin socket asks for. */
export interface RehearsalRequest extends RehearseOptions {
  /** Our new chain, whose key is not here, leaf first. Default: that of `credentials`. */
  readonly ownChain?: readonly Certificate[] | undefined;
}

/** What would become of one peer under other credentials. */
export interface RehearsedPeer {
  /** Where it is: the address it comes from, or is dialled at. */
  readonly address: string;
  /** Who it is now; absent where it has proven nothing. */
  readonly identity?: string | undefined;
  /**
   * Whether the connection would be made: `unproven` of a peer that shows no certificate,
   * `unreachable` of one that could not be dialled.
   */
  readonly outcome: "accepted" | "refused" | "unproven" | "unreachable";
  /** The end that would refuse. */
  readonly refusedBy?: "worker" | "dispatcher" | undefined;
  /** Why, in one word of the vocabulary. */
  readonly reason?: HandshakeReason | undefined;
  /** With `client-certificate-refused`: what the worker says of the caller's certificate. */
  readonly peerReason?: PeerReason | undefined;
  /** One sentence. */
  readonly message?: string | undefined;
}

/** What a change of credentials would mean; nothing was adopted. */
export interface Rehearsal {
  /** Why our own new certificate cannot be used; absent where it can, or none is rehearsed. */
  readonly own?: HandshakeEvidence | undefined;
  /**
   * That certificate is the one in use, and at fault there already: the change would be adopted all the same. Absent
   * where it is another one, or where it would keep the change from being adopted.
   */
  readonly ownInUse?: boolean | undefined;
  /** The peers, in the order in which they are known. */
  readonly peers: readonly RehearsedPeer[];
  /** How many of them would be refused, by either end. */
  readonly refused: number;
}

/** A peer to be judged again. */
export interface RehearsedChannel {
  readonly address: string;
  readonly identity: string | undefined;
  readonly tls: TlsFacts | undefined;
}

/**
 * Judges the chains that connected clients have shown, by another trust: one step a turn of the event
 * loop, and chains that are the same once.
 */
export async function rehearsePeers(
  channels: readonly RehearsedChannel[],
  question: PeerQuestion,
  wanted: () => boolean,
): Promise<readonly RehearsedPeer[]> {
  const verdicts = new Map<string, Promise<ChannelVerdict>>();
  const rehearsed: RehearsedPeer[] = [];
  for (const { address, identity, tls } of channels) {
    const named = {
      address,
      ...(identity === undefined ? {} : { identity: escapePeerText(identity) }),
    };
    if (tls === undefined || tls.peerChain.length === 0) {
      rehearsed.push({ ...named, outcome: "unproven" });
      continue;
    }
    const key = tls.peerChain.map(toBase64).join(" ");
    let verdict = verdicts.get(key);
    // The platform was asked at the handshake, under the trust of that time.
    verdict ??= judgeInTurns({ ...tls, resumed: true }, question, wanted);
    verdicts.set(key, verdict);
    const judged = await verdict;
    rehearsed.push(
      judged.trusted ? { ...named, outcome: "accepted" } : {
        ...named,
        outcome: "refused",
        refusedBy: question.role === "client" ? "worker" : "dispatcher",
        reason: judged.reason,
        message: sentence(judged.evidence),
      },
    );
  }
  return rehearsed;
}

/** What a handshake that failed says of a worker. */
export function refusedWorker(
  address: string,
  identity: string | undefined,
  error: HandshakeError,
): RehearsedPeer {
  const { side, reason, peerReason, message } = error;
  return {
    address,
    ...present({ identity }),
    outcome: "refused",
    refusedBy: side,
    reason,
    ...present({ peerReason }),
    message,
  };
}

/** The whole, from its parts. */
export function rehearsalOf(
  peers: readonly RehearsedPeer[],
  own: RehearsedOwn,
): Rehearsal {
  const refused = peers.filter(({ outcome }) => outcome === "refused").length;
  return { ...own, peers, refused };
}

function sentence({ found, advice }: HandshakeEvidence): string {
  return [found, advice].filter((part) => part !== undefined).map((part) => escapePeerText(part))
    .join("; ");
}
