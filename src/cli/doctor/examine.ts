import { isIP } from "node:net";
import {
  type Address,
  type ChannelOutcome,
  clientContext,
  dialChannel,
  parseAddress,
  type TcpAddress,
  type TlsFacts,
  type UnixAddress,
} from "../../channel/mod.ts";
import {
  createAuthority,
  type CredentialMaterial,
  Credentials,
  type Credentials as CredentialsValue,
  openCredentials,
  ownCertificateFault,
  verdictOption,
} from "../../credentials/mod.ts";
import { HandshakeError, unusable } from "../../errors/mod.ts";
import {
  adviceOn,
  type IdentityPattern,
  judgePeer,
  parseCertificate,
  parsePatterns,
  type VerdictMode,
} from "../../identity/mod.ts";
import { dialPeer } from "../../peer/mod.ts";
import { certificateSteps } from "./certificate_steps.ts";
import { judged, type Problem, shown, type Step } from "./report.ts";
import { present } from "../../values/mod.ts";

/** What to examine, and with what. */
export interface Examination {
  /** The endpoint, as a person wrote it. */
  readonly endpoint: string;
  /** The identities to expect. Default: the host of the endpoint. */
  readonly identity?: readonly string[] | undefined;
  /** Who we are and whom we trust. Default: no authority is trusted, the certificate is only shown. */
  readonly credentials?: CredentialsValue | undefined;
  /** How certificates are judged. Default `private`. */
  readonly verdict?: VerdictMode | undefined;
  /** A file of peers that are refused. Default: none. */
  readonly denylist?: string | undefined;
  /** How long each connection may take, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Examines a connection step by step, each yielded as soon as it is done. What is examined is not
 * trusted: our own certificate is shown only on the last connection, to a worker that has been
 * proven, and nothing is sent on any before that.
 */
export async function* examine(examination: Examination): AsyncGenerator<Step, void, undefined> {
  const address = endpointOf(examination.endpoint);
  await using source = await openCredentials(
    examination.credentials,
    examination.denylist,
    verdictOption(examination),
  );
  const target = new Target(examination, address, source?.current());
  if (target.speaksPlaintext) return yield await target.handshake();
  const { steps, facts } = await target.probe();
  yield* steps;
  if (facts === undefined) return;
  const trust = target.trust(facts);
  const chain = facts.peerChain.map((der) => parseCertificate(der));
  yield* certificateSteps(chain, { trust: trust.outcome, now: Date.now() });
  yield trust;
  const own = target.ownCertificate();
  if (own !== undefined) yield own;
  if (trust.outcome !== "passed" || own?.outcome === "failed") {
    return yield {
      step: "handshake",
      outcome: "skipped",
      why: "our certificate is shown only where every step before has passed",
    };
  }
  yield await target.handshake();
}

type Reachable = TcpAddress | UnixAddress;

function endpointOf(text: string): Reachable {
  const address: Address = parseAddress(text, "--endpoint");
  if (address.kind !== "memory") return address;
  throw unusable("--endpoint", "what is in memory of another process cannot be examined");
}

class Target {
  readonly #examination: Examination;
  readonly #address: Reachable;
  readonly #material: CredentialMaterial | undefined;

  constructor(
    examination: Examination,
    address: Reachable,
    material: CredentialMaterial | undefined,
  ) {
    this.#examination = examination;
    this.#address = address;
    this.#material = material;
  }

  /** Without credentials a socket in the file system is spoken to as it is. */
  get speaksPlaintext(): boolean {
    return this.#address.kind === "unix" && this.#material === undefined;
  }

  /** Reads what the peer shows, without showing anything. */
  async probe(): Promise<{ readonly steps: readonly Step[]; readonly facts?: TlsFacts }> {
    const { endpoint, timeoutMs } = this.#examination;
    const first = await this.#probe(false);
    // A server that speaks another protocol shows its certificate to a client that names none.
    const outcome = !first.ok && first.alertReceived === "no_application_protocol"
      ? await this.#probe(true)
      : first;
    if (!outcome.ok && outcome.stage === "connect") {
      const why = outcome.timedOut
        ? `no answer within ${timeoutMs} ms`
        : outcome.code ?? "no connection";
      const message = `no connection to ${endpoint}: ${why}`;
      const evidence = { found: message, advice: "see whether the worker runs, and its address" };
      const problem = { error: "WorkerUnavailable", message, evidence };
      return { steps: [{ step: "tcp", outcome: "failed", problem }] };
    }
    if (outcome.ok) outcome.channel.destroy();
    const remoteAddress = outcome.ok ? outcome.facts.remoteAddress : endpoint;
    const reached: Step = { step: "tcp", outcome: "passed", remoteAddress };
    const facts = outcome.ok ? outcome.facts.tls : outcome.tls;
    if (facts !== undefined) {
      const { version, cipher, keyExchange } = facts;
      // One that ends its handshake for want of our certificate has agreed on a protocol that was not reported.
      const agreed: Step = outcome.ok
        ? negotiated(facts)
        : { step: "tls", outcome: "passed", version, cipher, keyExchange };
      return { steps: [reached, agreed], facts };
    }
    // It has shown no certificate, so it is shown none.
    const credentials = this.#material === undefined
      ? await trustingNobody()
      : { ...this.#material, mode: "trust-only" } as const;
    const problem = await this.#nameOf(this.#dial(credentials));
    const named = present({ problem: this.#advised(problem) });
    return { steps: [reached, { step: "tls", outcome: "failed", ...named }] };
  }

  #probe(withoutProtocol: boolean): Promise<ChannelOutcome> {
    const name = this.#serverName();
    return dialChannel(this.#address, {
      signal: { timeout: AbortSignal.timeout(this.#examination.timeoutMs) },
      tls: {
        context: clientContext({ ca: this.#material?.caPem ?? [], minVersion: "TLSv1.2" }),
        mutual: false,
        diagnosing: true,
        withoutProtocol,
        serverName: name,
      },
    });
  }

  trust({ peerChain }: TlsFacts): Step {
    const { anchors, denylist, verdict: mode = "private" } = this.#material ?? {};
    if (anchors === undefined) {
      return { step: "trust", outcome: "skipped", why: "give --ca to say whom to trust" };
    }
    const now = Date.now();
    const verdict = judgePeer(peerChain, {
      role: "server",
      anchors,
      expected: this.#expected(),
      now,
      mode,
      denylist,
    });
    if (verdict.trusted) {
      const chain = verdict.path.filter((one) => !anchors.has(one));
      return {
        step: "trust",
        outcome: "passed",
        identity: verdict.identity.name,
        ...shown(adviceOn({ chain, role: "server", now })),
      };
    }
    return judged("trust", verdict.reason, verdict.evidence);
  }

  /** Nothing where we have none to show. */
  ownCertificate(): Step | undefined {
    const { own, mode } = this.#material ?? {};
    if (own === undefined || mode !== "mutual") return undefined;
    const evidence = ownCertificateFault(this.#material!, Date.now(), "client");
    if (evidence !== undefined) {
      return judged("own-certificate", "own-certificate-invalid", evidence);
    }
    const identity = own.summary.names.join(", ");
    const { advice = [] } = this.#material ?? {};
    return { step: "own-certificate", outcome: "passed", identity, ...shown(advice) };
  }

  /** The whole of it, as a dispatcher would. */
  async handshake(): Promise<Step> {
    const problem = await this.#nameOf(this.#dial(this.#material));
    return problem === undefined
      ? { step: "handshake", outcome: "passed", ...present({ why: this.#withoutCertificate() }) }
      : { step: "handshake", outcome: "failed", problem };
  }

  async #dial(credentials: CredentialMaterial | undefined): Promise<void> {
    const { endpoint, timeoutMs } = this.#examination;
    const { connection } = await dialPeer(this.#address, {
      credentials,
      expected: this.#expected(),
      worker: { address: endpoint },
      handshakeTimeoutMs: timeoutMs,
      showsOnlyToProven: true,
    });
    await connection.shutdown();
  }

  async #nameOf(attempt: Promise<void>): Promise<Problem | undefined> {
    try {
      await attempt;
      return undefined;
    } catch (error) {
      return problemOf(error as Error);
    }
  }

  #withoutCertificate(): string | undefined {
    if (this.#material === undefined) return "in plaintext, as calls without credentials are";
    if (this.#material.mode === "mutual") return undefined;
    return "the worker takes callers that show no certificate";
  }

  /** Whoever gives no credentials speaks plaintext already where calls are made. */
  #advised(problem: Problem | undefined): Problem | undefined {
    if (problem?.reason !== "plaintext-peer" || this.#material !== undefined) return problem;
    const evidence = { ...problem.evidence, advice: REACHED_IN_PLAINTEXT };
    return { ...problem, message: `${evidence.found}; ${evidence.advice}`, evidence };
  }

  #expected(): readonly IdentityPattern[] {
    const { identity } = this.#examination;
    if (identity !== undefined) return parsePatterns(identity);
    return this.#address.kind === "tcp" ? parsePatterns(this.#address.host) : [];
  }

  #serverName(): string | undefined {
    if (this.#address.kind !== "tcp") return undefined;
    const host = this.#address.host.replace(/\.$/, "");
    return isIP(host) === 0 ? host : undefined;
  }
}

const REACHED_IN_PLAINTEXT =
  "if a worker listens there, calls without credentials reach it in plaintext; to protect them, give it credentials";

function negotiated({ version, cipher, keyExchange, alpn }: TlsFacts): Step {
  if (alpn === "h2") return { step: "tls", outcome: "passed", version, cipher, keyExchange, alpn };
  return {
    step: "tls",
    outcome: "failed",
    version,
    cipher,
    keyExchange,
    alpn,
    problem: {
      error: "HandshakeError",
      reason: "protocol-mismatch",
      message: `the peer agreed on ${
        alpn ?? "no"
      } protocol, not on h2; see whether that port serves HTTP/2`,
    },
  };
}

function problemOf(error: Error): Problem {
  const { name, message } = error;
  if (!(error instanceof HandshakeError)) return { error: name, message };
  const { reason, peerReason, evidence } = error;
  return { error: name, reason, peerReason, message, evidence };
}

/** What names the failure of a handshake that did not come as far as a certificate. */
async function trustingNobody(): Promise<CredentialMaterial> {
  await using source = await Credentials.fromPem({ ca: createAuthority().certPem, oneWay: true })
    .open();
  return source.current();
}
