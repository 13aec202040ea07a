import type { ChannelFailure } from "../../channel/mod.ts";
import {
  type CertificateSummary,
  HandshakeError,
  type HandshakeEvidence,
  type HandshakeFailure,
  type HandshakeReason,
  type WorkerRef,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import { alertFromWorker, type AlertMeaning } from "./alert_reason.ts";
import { describeSpoken, isAlertRecord, spoken } from "../first_bytes.ts";
import { adviceOnOurs, COMPARE_CLOCKS, type OwnDates } from "../own_advice.ts";
import { brokenTls, COMPARE_PROTOCOLS } from "../broken_tls.ts";
import { present } from "../../values/mod.ts";

/** The platform's code for a context it cannot build; a canary pins it. */
const CONTEXT_UNUSABLE = "ERR_SSL_UNSUPPORTED_PROTOCOL";

/** What was known when a peer was dialled. */
export interface DialContext {
  /** The peer that was dialled, most often a worker. */
  readonly worker: WorkerRef;
  /** What messages call it. */
  readonly called: string;
  /** Our own certificate, where we show one. */
  readonly own: CertificateSummary | undefined;
  /** The time that was allowed, in milliseconds. */
  readonly timeoutMs: number;
  /** Our clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/** What is said of a handshake besides the worker. */
export type Finding = Omit<HandshakeFailure, "worker">;

/** The error for a finding. */
export function handshakeError(
  finding: Finding,
  context: DialContext,
  cause?: Error,
): HandshakeError {
  const evidence = context.own === undefined
    ? finding.evidence
    : { ownCertificate: context.own, ...finding.evidence };
  return new HandshakeError(
    { ...finding, evidence, worker: context.worker },
    { called: context.called, ...present({ cause }) },
  );
}

/** Names why there is no channel to a worker, from what was seen. */
export function nameDialFailure(failure: ChannelFailure, context: DialContext): Error {
  // One that was never taken is refused, not reset.
  if (failure.stage === "connect" && failure.code !== "ECONNRESET") {
    return unreachable(failure, context);
  }
  return handshakeError(findingOf(failure, context), context, failure.cause);
}

/** What the platform's codes mean where there is no connection. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "its name has no address",
  EAI_AGAIN: "the name server does not answer",
  EHOSTUNREACH: "no route leads to that host",
  ENETUNREACH: "no route leads to that network",
  ENOENT: "there is no such socket",
  EPERM: "this process may not; on Deno, see whether --allow-net is given for that name",
};

/** There was no connection: no handshake was begun. */
function unreachable({ code, timedOut, cause }: ChannelFailure, context: DialContext): Error {
  const why = timedOut
    ? `no connection within ${context.timeoutMs} ms`
    : code === "EMFILE" || code === "ENFILE"
    ? `this process has no file descriptor left (${code}); raise its limit, or connect to fewer workers`
    : code !== undefined && Object.hasOwn(UNREACHABLE, code)
    ? `${code}, ${UNREACHABLE[code]}`
    : code ?? cause?.message ?? "no connection";
  return new WorkerUnavailable(
    `${context.called} ${context.worker.address} cannot be reached: ${why}`,
    {
      worker: context.worker,
      notBegun: true,
      ...present({ cause }),
    },
  );
}

function findingOf(failure: ChannelFailure, context: DialContext): Finding {
  const { firstBytes, code } = failure;
  if (failure.timedOut) return timedOut(context);
  if (code === CONTEXT_UNUSABLE) {
    return finding("own-certificate-invalid", "dispatcher", {
      rule: "own.platform",
      found: "the platform cannot use our certificate, key and authorities for TLS",
      advice: "have a certificate without unusual critical extensions issued",
      code,
    });
  }
  const heard = spoken(firstBytes);
  if (heard !== "tls" && heard !== "nothing") {
    return finding("plaintext-peer", "dispatcher", {
      found: `the port speaks no TLS: it answers the handshake with ${describeSpoken(firstBytes)}`,
      advice: `dial it without credentials if plaintext is meant, or give ${
        otherEnd(context)
      } credentials`,
    });
  }
  if (failure.alertReceived !== undefined) {
    return alertFinding(failure.alertReceived, isAlertRecord(firstBytes), context);
  }
  if (code === "ECONNRESET" || code === "EPIPE" || code === undefined) {
    return finding("handshake-aborted", "worker", {
      found: "the peer hung up during the TLS handshake without saying why",
      advice: SEE_PEER_LOG,
      ...present({ code }),
    });
  }
  return { side: "dispatcher", ...brokenTls(failure, "peer") };
}

/** The handshake took too long. */
export function timedOut(context: DialContext): Finding {
  return finding("handshake-timeout", "dispatcher", {
    found: `the handshake was not done within ${context.timeoutMs} ms`,
    advice: `see whether ${otherEnd(context)} is overloaded, or something between drops packets`,
  });
}

/** The peer that was dialled, within a sentence. */
export function otherEnd({ called }: DialContext): string {
  return called === "worker" ? "the worker" : called;
}

/** The peer sent an alert. */
export function alertFinding(alert: string, answeredHello: boolean, context: DialContext): Finding {
  const own = ownDates(context);
  const meaning = alertFromWorker(alert, { own, answeredHello });
  const advice = adviceOnAlert(alert, meaning, context);
  const found = `${otherEnd(context)} sent the TLS alert ${alert}`;
  return {
    side: "worker",
    ...meaning,
    evidence: { found, alert, ...present({ advice }) },
  };
}

/** The dates of the certificate that we show, where we show one, and our clock. */
export function ownDates({ own, now }: DialContext): OwnDates | undefined {
  return own === undefined ? undefined : { ...own, now: now() };
}

function adviceOnAlert(
  alert: string,
  { reason, peerReason }: AlertMeaning,
  context: DialContext,
): string | undefined {
  const own = ownDates(context);
  if (peerReason !== undefined) return adviceOnOurs(peerReason, own);
  if (reason === "client-certificate-refused" && alert === "certificate_expired") {
    return COMPARE_CLOCKS;
  }
  if (reason === "client-certificate-refused") {
    return `compare our certificate with what ${otherEnd(context)} trusts and allows`;
  }
  const vague = reason === "tls-alert" && own === undefined;
  return vague && alert === "handshake_failure" ? MAY_WANT_CERTIFICATE : ADVICE[reason];
}

/** What TLS 1.2 servers send, among much else, to a client that shows no certificate (RFC 5246 §7.4.6). */
const MAY_WANT_CERTIFICATE =
  "look at the peer's own log; it may demand a client certificate, of which we have none";

/** A finding with its evidence. */
export function finding(
  reason: HandshakeReason,
  side: Finding["side"],
  evidence: HandshakeEvidence,
): Finding {
  return { reason, side, evidence };
}

/** What to do where only the other end knows why. */
export const SEE_PEER_LOG = "look at the peer's own log";

const ADVICE: Partial<Record<HandshakeReason, string>> = {
  "protocol-mismatch": COMPARE_PROTOCOLS,
  "client-certificate-required": "give this dispatcher a certificate and its key",
  "tls-alert": SEE_PEER_LOG,
};
