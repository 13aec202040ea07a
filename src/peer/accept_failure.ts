import { type AcceptFailure, NOT_TLS_CODE } from "../channel/mod.ts";
import type { CertificateSummary, HandshakeEvidence, PeerReason } from "../errors/mod.ts";
import type { HandshakeRefused, Unstamped } from "../observe/mod.ts";
import { alertFromClient } from "./dial/alert_reason.ts";
import { describeSpoken, isAlertRecord, spoken } from "./first_bytes.ts";
import { adviceOnOurs, COMPARE_CLOCKS } from "./own_advice.ts";
import { brokenTls, COMPARE_PROTOCOLS } from "./broken_tls.ts";
import { present } from "../values/mod.ts";

/** A refusal as it is reported to the observer. */
export type RefusalEvent = Unstamped<HandshakeRefused>;

/** What a client has seen of us. */
export interface OwnShown {
  /** The certificate we show. */
  readonly certificate: CertificateSummary;
  /** Our clock, milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Names why an accepted connection did not become a peer; `undefined` where that is no failure of either end. What the
 * client has seen of us, `own`, is absent without TLS.
 */
export function nameAcceptFailure(
  failure: AcceptFailure,
  own: OwnShown | undefined,
): RefusalEvent | undefined {
  // A client that was sent back for a fresh handshake is on its way already.
  if (failure.alertSent === "unknown_psk_identity") return undefined;
  const found = findingOf(failure, own);
  return { type: "handshake.refused", peer: { address: failure.remoteAddress }, ...found };
}

type Found = Pick<RefusalEvent, "side" | "reason" | "peerReason" | "evidence">;

function findingOf(failure: AcceptFailure, own: OwnShown | undefined): Found {
  const { firstBytes, expectedTls, timedOut, alertReceived: alert, code, evictedBy } = failure;
  if (evictedBy !== undefined) {
    return worker("handshake-aborted", {
      found: `its connection gave way to another one: limits.${evictedBy} was reached`,
      advice: `see which clients open so many connections, or raise limits.${evictedBy}`,
    });
  }
  const heard = spoken(firstBytes);
  if (code === NOT_TLS_CODE || (expectedTls && heard !== "tls" && heard !== "nothing")) {
    return worker("plaintext-peer", {
      found: heard === "nothing"
        ? "the client does not speak TLS"
        : `the client does not speak TLS but ${describeSpoken(firstBytes)}`,
      advice: "give the client credentials",
    });
  }
  if (!expectedTls && heard === "tls") {
    return worker("encrypted-peer", {
      found: "the client speaks TLS, this listener does not",
      advice: "give this worker credentials",
    });
  }
  if (timedOut) {
    return worker("handshake-timeout", {
      found: heard === "nothing"
        ? "the client said nothing"
        : "the client did not finish its handshake",
      advice: "see whether the client is overloaded, or something between drops packets",
    });
  }
  if (alert !== undefined && own !== undefined) {
    return namedByClient(alert, isAlertRecord(firstBytes), own);
  }
  if (code === "ECONNRESET" || code === "EPIPE" || code === undefined) {
    if (failure.isSecured === true) return leftUnused(own);
    return {
      side: "dispatcher",
      reason: "handshake-aborted",
      evidence: {
        found: "the client hung up during the TLS handshake without saying why",
        advice: SEE_CLIENT_LOG,
        ...present({ ownCertificate: own?.certificate }),
      },
    };
  }
  return { side: "worker", ...brokenTls(failure, "client") };
}

/** A client completed the handshake and left without a word: it is likely that it does not accept us. */
export function leftUnused(own: OwnShown | undefined): Found {
  return {
    side: "dispatcher",
    reason: "handshake-aborted",
    evidence: {
      found: "the client hung up after the handshake, before it spoke HTTP/2",
      advice: "see whether the client expects another identity than this worker's certificate has",
      ...present({ ownCertificate: own?.certificate }),
    },
  };
}

function namedByClient(alert: string, answeredHello: boolean, own: OwnShown): Found {
  const dates = { ...own.certificate, now: own.now };
  const meaning = alertFromClient(alert, { own: dates, answeredHello });
  return {
    side: "dispatcher",
    ...meaning,
    evidence: {
      found: `the client sent the TLS alert ${alert}`,
      alert,
      advice: meaning.peerReason !== undefined
        ? adviceOnOurs(meaning.peerReason, dates)
        : alert === "certificate_expired"
        ? COMPARE_CLOCKS
        : meaning.reason === "protocol-mismatch"
        ? COMPARE_PROTOCOLS
        : SEE_CLIENT_LOG,
      ownCertificate: own.certificate,
    },
  };
}

/** A client accepts our certificate no longer, and its GOAWAY gives the reason. */
export function distrusted(word: PeerReason, own: OwnShown | undefined): Found {
  const dates = own && { ...own.certificate, now: own.now };
  return {
    side: "dispatcher",
    reason: word,
    peerReason: word,
    evidence: {
      found: "the client cut its calls off, as it accepts our certificate no longer",
      advice: adviceOnOurs(word, dates),
      ...present({ ownCertificate: own?.certificate }),
    },
  };
}

const SEE_CLIENT_LOG = "look at the client's own log";

function worker(reason: Found["reason"], evidence: HandshakeEvidence): Found {
  return { side: "worker", reason, evidence };
}
