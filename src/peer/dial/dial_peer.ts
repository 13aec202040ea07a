import {
  type Address,
  type ChannelFailure,
  type ChannelOutcome,
  dialChannel,
  dialInMemory,
  type DialSignal,
  formatAddress,
  type OpenChannel,
  type TcpAddress,
  type TlsFacts,
  type UnixAddress,
} from "../../channel/mod.ts";
import { type CredentialMaterial, ownCertificateFault } from "../../credentials/mod.ts";
import { unusable, WorkerUnavailable } from "../../errors/mod.ts";
import type { PeerQuestion, TrustAnchors, Trusted } from "../../identity/mod.ts";
import { type Clock, systemClock } from "../../observe/mod.ts";
import {
  type DialContext,
  finding,
  handshakeError,
  nameDialFailure,
  timedOut,
} from "./dial_failure.ts";
import type { DialledPeer } from "./dialled_peer.ts";
import { greet } from "./greeting.ts";
import {
  type ChannelVerdict,
  judgeChannel,
  judgeInTurns,
  type PeerRefused,
  PLATFORM_REFUSED,
  refusedByPlatform,
} from "../judge.ts";
import { type DialPeerOptions, HANDSHAKE_TIMEOUT_MS } from "../options.ts";
import { dialContexts, oldestVersion, serverName, shownCertificate } from "../tls_contexts.ts";
import { type AbortEvents, Ending, onAbort, present } from "../../values/mod.ts";

/**
 * Dials a worker, proves it and is taken by it. One timer runs from the dial to the worker's first answer.
 *
 * @throws {HandshakeError} where either side will not go on.
 * @throws {WorkerUnavailable} where nobody is reached.
 * @throws {ConfigurationError} where the credentials can verify nobody.
 * @throws the signal's reason where the caller gave up.
 */
export async function dialPeer(address: Address, options: DialPeerOptions): Promise<DialledPeer> {
  if (options.signal?.aborted === true) throw options.signal.reason;
  const { clock = systemClock, handshakeTimeoutMs: timeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  const own = shownCertificate(options.credentials)?.summary;
  const { worker, called = "worker" } = options;
  const context = { worker, called, own, timeoutMs, now: () => clock.now() };
  refuseToShowBadCertificate(options, context, clock);
  using patience = patienceOf(clock, timeoutMs, options.signal);
  const dial: Dial = { options, context, clock, signal: patience.signal, verdicts: new Map() };
  for (let dials = 1;; dials++) {
    const opened = address.kind === "memory"
      ? openInMemory(address.name, dial)
      : await open(address, dial);
    const proven = await inTime(prove(opened, dial), opened, patience, dial);
    const { connection, taken, sentAway } = greet(opened, options.connection ?? {}, context);
    options.onOpened?.(connection);
    try {
      await inTime(taken, opened, patience, dial);
    } catch (error) {
      if (!sentAway() || dials === MAX_DIALS || dial.signal.timeout.aborted) throw error;
      await connection.closed;
      continue;
    }
    return {
      connection,
      identity: proven?.identity,
      facts: opened.facts,
      validUntil: proven?.validUntil,
      judgedBy: judgedBy(opened.facts.tls, options, clock),
    };
  }
}

/**
 * A worker that changes its credentials during a handshake sends its peer away, to come again at once.
 * It does not change them this often; one that drains is not there the second time.
 */
const MAX_DIALS = 3;

/** One attempt to dial. */
interface Dial {
  readonly options: DialPeerOptions;
  readonly context: DialContext;
  readonly clock: Clock;
  readonly signal: DialSignal;
  /** The verdicts of this attempt, so that none is asked for twice. */
  readonly verdicts: Map<TlsFacts, Promise<ChannelVerdict>>;
}

/** A certificate that no worker can accept is not shown to one. */
function refuseToShowBadCertificate(
  { credentials }: DialPeerOptions,
  context: DialContext,
  clock: Clock,
): void {
  if (credentials === undefined || shownCertificate(credentials) === undefined) return;
  const evidence = ownCertificateFault(credentials, clock.now(), "client");
  if (evidence === undefined) return;
  throw handshakeError(finding("own-certificate-invalid", "dispatcher", evidence), context);
}

async function open(address: TcpAddress | UnixAddress, dial: Dial): Promise<OpenChannel> {
  const { options, context, signal } = dial;
  const { credentials } = options;
  if (credentials === undefined) {
    const opened = channelOr(await dialChannel(address, { signal }), context);
    if (options.secret !== undefined) opened.channel.write(options.secret, () => {});
    return opened;
  }
  const contexts = dialContexts(credentials, options.minTlsVersion ?? oldestVersion(credentials));
  const name = serverName(address, options.expected);
  const sni = present({ serverName: name });
  const mutual = shownCertificate(credentials) !== undefined;
  const admits = async (server: TlsFacts): Promise<boolean> =>
    (await verdictOn(server, dial)).trusted;
  const shown = options.showsOnlyToProven === true ? { admits } : {};
  const tls = { context: contexts.calling, mutual, ...sni, ...shown };
  for (let dials = 1;; dials++) {
    const outcome = await dialChannel(address, { signal, tls });
    if (outcome.ok || outcome.stage !== "certificate") return channelOr(outcome, context);
    const probed = outcome.tls === undefined
      ? await probeAgain(() =>
        dialChannel(address, {
          signal,
          tls: { context: contexts.probing, mutual: false, diagnosing: true, ...sni },
        })
      )
      : undefined;
    const refused = await whyRefused(outcome.tls ?? probed, outcome, dial);
    // We find nothing wrong with what was probed: the worker may have taken a new certificate since the first was refused.
    const mayBeNew = probed !== undefined && refused.evidence.rule === PLATFORM_REFUSED;
    if (!mayBeNew || dials === MAX_REFUSED_DIALS) throw certificateError(refused, dial, outcome);
  }
}

/** So often the platform refuses a certificate that we do not refuse before it is one and the same. */
const MAX_REFUSED_DIALS = 2;

/**
 * The platform ends the handshake where it does not trust the certificate, and does not say why. A second
 * connection fetches the certificate for us to judge: it shows nothing of ours, and carries nothing.
 */
async function probeAgain(probe: () => Promise<ChannelOutcome>): Promise<TlsFacts | undefined> {
  const probed = await probe();
  if (!probed.ok) return probed.tls;
  probed.channel.destroy();
  return probed.facts.tls;
}

/** Our reason, where the certificate could be probed; else what the platform's code says without doubt. */
async function whyRefused(
  presented: TlsFacts | undefined,
  { code }: ChannelFailure,
  dial: Dial,
): Promise<PeerRefused> {
  const refused = refusedByPlatform(code ?? presented?.platformCode, question(dial));
  if (presented === undefined || presented.peerChain.length === 0) {
    const reason = code === undefined ? undefined : CODES.get(code);
    return reason === undefined ? refused : { ...refused, reason, peerReason: reason };
  }
  // Never the platform's yes: it has just said no, on the connection that would have carried calls.
  const verdict = await verdictOn(
    { ...presented, resumed: false, platformAuthorized: false },
    dial,
  );
  return verdict.trusted ? refused : verdict;
}

const CODES: ReadonlyMap<string, PeerRefused["peerReason"] & PeerRefused["reason"]> = new Map([
  ["CERT_HAS_EXPIRED", "certificate-expired"],
  ["CERT_NOT_YET_VALID", "certificate-not-yet-valid"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "untrusted-authority"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "untrusted-authority"],
  ["UNABLE_TO_GET_ISSUER_CERT", "untrusted-authority"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "untrusted-authority"],
]);

/** The worker's proof; nothing has been written to it yet, and nothing will be unless it holds. */
async function prove({ channel, facts }: OpenChannel, dial: Dial): Promise<Trusted | undefined> {
  if (facts.tls === undefined) return undefined;
  channel.pause();
  const proven = await whyProven(facts.tls, dial);
  if (proven instanceof Error) {
    channel.destroy();
    throw proven;
  }
  channel.resume();
  return proven;
}

/** Waits for the worker's proof, or its first answer, for as long as the attempt may take. */
async function inTime<T>(
  proof: Promise<T>,
  { channel }: OpenChannel,
  { lost }: Patience,
  { context }: Dial,
): Promise<T> {
  // One that comes too late is of no use, and a channel is destroyed twice without harm.
  proof.catch(() => {});
  try {
    return await Promise.race([proof, lost]);
  } catch (error) {
    channel.destroy();
    if (error instanceof OutOfTime) throw handshakeError(timedOut(context), context);
    throw error;
  }
}

async function whyProven(tls: TlsFacts, dial: Dial): Promise<Trusted | Error> {
  if (tls.alpn !== "h2") {
    return handshakeError(
      finding("protocol-mismatch", "dispatcher", {
        found: `the peer agreed on ${tls.alpn ?? "no"} protocol, not on h2`,
        advice: "see whether that port serves HTTP/2",
      }),
      dial.context,
    );
  }
  const verdict = await verdictOn(tls, dial);
  return verdict.trusted ? verdict : certificateError(verdict, dial);
}

function verdictOn(tls: TlsFacts, dial: Dial): Promise<ChannelVerdict> {
  let verdict = dial.verdicts.get(tls);
  if (verdict === undefined) {
    const { timeout, aborted } = dial.signal;
    const wanted = () => !timeout.aborted && aborted?.aborted !== true;
    verdict = judgeInTurns(tls, question(dial), wanted);
    dial.verdicts.set(tls, verdict);
  }
  return verdict;
}

function certificateError(
  refused: PeerRefused,
  { context }: Dial,
  failure?: ChannelFailure,
): Error {
  const { reason, evidence } = refused;
  return handshakeError({ reason, side: "dispatcher", evidence }, context, failure?.cause);
}

/**
 * Judges the worker of a connection again. The platform was asked at the handshake; it knows nothing of today's anchors.
 * Made here, it keeps nothing of the attempt for as long as the connection lasts.
 */
function judgedBy(
  tls: TlsFacts | undefined,
  { expected, verdict }: DialPeerOptions,
  clock: Clock,
): DialledPeer["judgedBy"] {
  return (credentials) => {
    if (tls === undefined) return { trusted: true };
    const options = { credentials, expected, ...present({ verdict }) };
    return judgeChannel({ ...tls, resumed: true }, question({ options, clock }));
  };
}

/** What a question about a worker is made of. */
interface Asking {
  readonly options: Pick<DialPeerOptions, "credentials" | "expected" | "verdict">;
  readonly clock: Clock;
}

function question({ options, clock }: Asking): PeerQuestion {
  const { credentials, expected } = options;
  return {
    role: "server",
    anchors: anchorsOf(credentials),
    expected,
    now: clock.now(),
    limits: options.verdict ?? {},
    mode: credentials?.verdict ?? "private",
    denylist: credentials?.denylist,
  };
}

function anchorsOf(credentials: CredentialMaterial | undefined): TrustAnchors {
  if (credentials?.anchors !== undefined) return credentials.anchors;
  throw unusable("credentials", "these credentials hold no authority to verify a worker by");
}

function channelOr(outcome: ChannelOutcome, context: DialContext): OpenChannel {
  if (outcome.ok) return outcome;
  throw nameDialFailure(outcome, context);
}

function openInMemory(name: string, { options, context }: Dial): OpenChannel {
  const address = { kind: "memory", name } as const;
  const { introduceAs, credentials, secret } = options;
  if (credentials !== undefined) {
    // The announcer of the address must not decide that nothing is verified.
    throw unusable(
      "credentials",
      `${formatAddress(address)} can prove nothing, and is not spoken to with credentials`,
    );
  }
  const channel = dialInMemory(address, present({ identity: introduceAs }));
  if (channel === undefined) {
    throw new WorkerUnavailable(`nobody listens on ${formatAddress(address)}`, {
      worker: context.worker,
      notBegun: true,
    });
  }
  if (secret !== undefined) channel.write(secret, () => {});
  const text = formatAddress(address);
  return {
    ok: true,
    channel,
    facts: { security: "memory", remoteAddress: text },
    firstBytes: () => new Uint8Array(0),
  };
}

/** How long an attempt may take, and its caller's own patience. */
interface Patience extends Disposable {
  readonly signal: DialSignal;
  /** Rejects when either runs out. */
  readonly lost: Promise<never>;
}

/** Time ran out. */
class OutOfTime extends Error {}

function patienceOf(clock: Clock, timeoutMs: number, caller: AbortEvents | undefined): Patience {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const timeout = new Ending();
  const timer = clock.schedule(
    () => {
      timeout.abort();
      reject(new OutOfTime());
    },
    timeoutMs,
    { shared: true },
  );
  const abort = onAbort(caller, () => reject(caller?.reason));
  return {
    signal: { timeout, aborted: caller },
    lost,
    [Symbol.dispose](): void {
      timer[Symbol.dispose]();
      abort[Symbol.dispose]();
    },
  };
}
