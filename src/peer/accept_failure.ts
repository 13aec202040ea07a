import type { AcceptFailure } from "../channel/mod.ts";
import type { HandshakeEvidence } from "../errors/mod.ts";
import type { HandshakeRefused, Unstamped } from "../observe/mod.ts";
import { alertFromClient, type OwnDates } from "./alert_reason.ts";
import { describeSpoken, isAlertRecord, spoken } from "./first_bytes.ts";

/** A refusal as it is told to the observer. */
export type RefusalEvent = Unstamped<HandshakeRefused>;

/**
 * Names why an accepted connection came to nothing; `undefined` where that is no failure of anybody.
 *
 * @param own The dates of the certificate we show; absent without TLS.
 */
export function nameAcceptFailure(
  failure: AcceptFailure,
  own: OwnDates | undefined,
): RefusalEvent | undefined {
  // A client that was sent back for a fresh handshake is on its way already.
  if (failure.alertSent === "unknown_psk_identity") return undefined;
  const found = findingOf(failure, own);
  return { type: "handshake.refused", peer: { address: failure.remoteAddress }, ...found };
}

type Found = Pick<RefusalEvent, "side" | "reason" | "peerReason" | "evidence">;

function findingOf(failure: AcceptFailure, own: OwnDates | undefined): Found {
  const { firstBytes, expectedTls, timedOut, alertReceived: alert, code } = failure;
  const heard = spoken(firstBytes);
  if (expectedTls && heard !== "tls" && heard !== "nothing") {
    return worker("plaintext-peer", {
      found: `the client does not speak TLS but ${describeSpoken(firstBytes)}`,
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
    });
  }
  if (alert !== undefined && own !== undefined) {
    return {
      side: "dispatcher",
      ...alertFromClient(alert, { own, answeredHello: isAlertRecord(firstBytes) }),
      evidence: { found: `the client sent the TLS alert ${alert}`, alert },
    };
  }
  if (code === "ECONNRESET" || code === "EPIPE" || code === undefined) {
    return {
      side: "dispatcher",
      reason: "handshake-aborted",
      evidence: { found: "the client hung up during the TLS handshake without saying why" },
    };
  }
  return brokenTls(failure);
}

/** Our own TLS gave up on what the client sent. */
function brokenTls({ code, alertSent }: AcceptFailure): Found {
  const negotiation = code === "ERR_SSL_NO_APPLICATION_PROTOCOL" ||
    alertSent === "protocol_version" ||
    alertSent === "handshake_failure";
  return worker(negotiation ? "protocol-mismatch" : "tls-alert", {
    found: alertSent === undefined
      ? "what the client sent is no TLS handshake that we can go on with"
      : `we ended the handshake with the TLS alert ${alertSent}`,
    ...(alertSent === undefined ? {} : { alert: alertSent }),
    ...(code === undefined ? {} : { code }),
    ...(negotiation
      ? { advice: "compare the TLS versions and the ALPN protocols (h2) of both ends" }
      : {}),
  });
}

function worker(reason: Found["reason"], evidence: HandshakeEvidence): Found {
  return { side: "worker", reason, evidence };
}
