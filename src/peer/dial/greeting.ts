import { setImmediate } from "node:timers";
import type { ChannelFacts, OpenChannel } from "../../channel/mod.ts";
import { alertReceived } from "../../channel/mod.ts";
import { systemCodeOf } from "../../platform/mod.ts";
import { type PeerReason, WorkerUnavailable } from "../../errors/mod.ts";
import {
  type ClientConnection,
  type ConnectionEnd,
  type ConnectionOptions,
  ErrorCode,
  openClientConnection,
} from "../../http2/mod.ts";
import {
  alertFinding,
  type DialContext,
  type Finding,
  finding,
  handshakeError,
  otherEnd,
  ownDates,
  SEE_PEER_LOG,
} from "./dial_failure.ts";
import { describeSpoken, spoken } from "../first_bytes.ts";
import { FirstFlight } from "../first_flight.ts";
import { adviceOnOurs } from "../own_advice.ts";
import { readRefusal } from "../refusal.ts";
import { present } from "../../values/mod.ts";

/** What the worker said in GOAWAY before it took us. */
interface Farewell {
  readonly code: number;
  readonly refusal: PeerReason | undefined;
}

/** A connection that was opened, and whether the worker has accepted it. */
export interface Greeting {
  readonly connection: ClientConnection;
  /** Resolves once the worker has answered over HTTP/2; rejects with the named failure. */
  readonly taken: Promise<void>;
  /** Whether the worker finds no fault with us, and asked us to leave this connection all the same. */
  readonly sentAway: () => boolean;
}

/**
 * Opens HTTP/2 on a proven channel and asks for a sign of life. A client's TLS handshake is over before
 * its certificate was looked at (TLS 1.3), so only an answer shows that the worker accepts us.
 */
export function greet(
  opened: OpenChannel,
  options: ConnectionOptions,
  context: DialContext,
): Greeting {
  // A worker that refuses us by a TLS alert has closed its end by the time our first bytes arrive, and answers them with
  // a reset. A second write would then fail and take the socket with it before the alert was read.
  const channel = new FirstFlight(opened.channel);
  const said: Said = {};
  const connection = openClientConnection(channel, {
    ...options,
    onGoAway: hearFarewell(said, options.onGoAway),
  });
  const taken = answered(connection, said, opened, context);
  // Behind what sends the PING, and all that is requested in this turn.
  setImmediate(() => channel.leave());
  // The waiter that gave up does not listen any more.
  taken.catch(() => {});
  return { connection, taken, sentAway: () => said.farewell?.code === ErrorCode.NO_ERROR };
}

/** What the worker has said so far. */
interface Said {
  farewell?: Farewell;
}

/** Made here, it keeps nothing of the attempt for as long as the connection lasts. */
function hearFarewell(
  said: Said,
  onGoAway: ConnectionOptions["onGoAway"],
): NonNullable<ConnectionOptions["onGoAway"]> {
  return (goAway) => {
    const { code, debugData } = goAway;
    said.farewell = { code, refusal: readRefusal(code, debugData) };
    onGoAway?.(goAway);
  };
}

/** Waits for the worker's answer; rejects with the named failure. */
async function answered(
  connection: ClientConnection,
  said: Said,
  opened: OpenChannel,
  context: DialContext,
): Promise<void> {
  const refused = (end: ConnectionEnd): Error =>
    nameGreetingFailure(
      { end, farewell: said.farewell, firstBytes: opened.firstBytes(), facts: opened.facts },
      context,
    );
  try {
    await connection.ping();
  } catch {
    // How it ended is known; a peer that broke the protocol is not waited for.
    opened.channel.destroy();
    throw refused(await connection.closed);
  }
  if (said.farewell !== undefined) throw refused({ how: "accused", code: said.farewell.code });
}

interface GreetingFailure {
  readonly end: ConnectionEnd;
  readonly farewell: Farewell | undefined;
  readonly firstBytes: Uint8Array;
  readonly facts: ChannelFacts;
}

function nameGreetingFailure(failure: GreetingFailure, context: DialContext): Error {
  const named = findingOf(failure, context);
  if (named !== undefined) return handshakeError(named, context, failure.end.error);
  return new WorkerUnavailable(
    `${context.called} ${context.worker.address} ended the connection before it took a call`,
    { worker: context.worker, notBegun: true, ...present({ cause: failure.end.error }) },
  );
}

function findingOf(failure: GreetingFailure, context: DialContext): Finding | undefined {
  const { end, farewell, firstBytes, facts } = failure;
  if (farewell?.refusal !== undefined) return refusedByWord(farewell.refusal, context);
  if (farewell?.code === ErrorCode.INADEQUATE_SECURITY) return refusedWithoutWord(context);
  if (farewell?.code === ErrorCode.HTTP_1_1_REQUIRED) return notHttp2("it asks for HTTP/1.1");
  const alert = end.error === undefined ? undefined : alertReceived(end.error.message);
  if (alert !== undefined) return alertFinding(alert, false, context);
  if (facts.tls === undefined && spoken(firstBytes) === "tls") {
    return finding("encrypted-peer", "dispatcher", {
      found: "the port answers plaintext with TLS",
      advice: adviceOnEncrypted(context),
    });
  }
  if (end.how === "violated" && end.code === ErrorCode.SETTINGS_TIMEOUT) {
    return finding("handshake-timeout", "dispatcher", {
      found: `${otherEnd(context)} did not begin HTTP/2: ${
        end.error?.message ?? "no SETTINGS in time"
      }`,
      advice: `see whether ${
        otherEnd(context)
      } is overloaded, or another service listens on that port`,
    });
  }
  const heard = facts.tls === undefined ? spoken(firstBytes) : "http/2";
  if (end.how === "violated" || (heard !== "http/2" && heard !== "nothing")) {
    return notHttp2(
      facts.tls === undefined
        ? `it speaks ${describeSpoken(firstBytes)}`
        : "what it sends is not HTTP/2",
    );
  }
  if (farewell !== undefined) return undefined;
  const code = systemCodeOf(end.error);
  if (facts.tls !== undefined && code?.startsWith("ERR_SSL_") === true) {
    return finding("tls-alert", "dispatcher", {
      found: "after the handshake the peer sent what TLS cannot go on with",
      advice: SEE_PEER_LOG,
      code,
    });
  }
  return finding("handshake-aborted", "worker", {
    found: context.own === undefined
      ? "the peer hung up before it spoke HTTP/2, without saying why"
      : "the peer hung up after it had seen our certificate, without saying why",
    advice: SEE_PEER_LOG,
  });
}

function adviceOnEncrypted(context: DialContext): string {
  const authority = `at least the authority to verify ${otherEnd(context)} by`;
  return context.called === "worker"
    ? `give this dispatcher credentials, ${authority} ` +
      "(credentials; on the command line --ca, --cert and --key, or --ca and --one-way)"
    : `give its discovery credentials (https:// and ca=FILE in its URL), ${authority}`;
}

function refusedByWord(peerReason: PeerReason, context: DialContext): Finding {
  const advice = adviceOnOurs(peerReason, ownDates(context));
  if (peerReason === "client-certificate-required") {
    const found = `${otherEnd(context)} demands a certificate and we have none`;
    return finding("client-certificate-required", "worker", { found, advice });
  }
  const found = `${otherEnd(context)} refuses our certificate: ${peerReason}`;
  return {
    side: "worker",
    reason: "client-certificate-refused",
    peerReason,
    evidence: { found, advice },
  };
}

function refusedWithoutWord(context: DialContext): Finding {
  const reason = context.own === undefined ? "protocol-mismatch" : "client-certificate-refused";
  return finding(reason, "worker", {
    found: `${
      otherEnd(context)
    } ended the connection with INADEQUATE_SECURITY and gave no reason that we know`,
    advice: SEE_PEER_LOG,
  });
}

function notHttp2(found: string): Finding {
  return finding("protocol-mismatch", "dispatcher", {
    found: `the peer does not speak HTTP/2: ${found}`,
    advice: "see which service listens on that port",
  });
}
