import { parseAddress, type TlsVersion } from "../channel/mod.ts";
import {
  type CredentialMaterial,
  type CredentialsSource,
  type DenylistSetting,
  openCredentials,
  type OpenCredentialsOptions,
  rehearsedMaterial,
  type RehearsedOwn,
  rehearsedOwn,
  withOwnChain,
} from "../credentials/mod.ts";
import { HandshakeError, SelvageError, unusable } from "../errors/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import {
  type dialPeer,
  refusedWorker,
  type Rehearsal,
  rehearsalOf,
  type RehearsalRequest,
  type RehearsedPeer,
  type RehearseOptions,
  rehearsePeers,
} from "../peer/mod.ts";
import type { Endpoint } from "./endpoint/endpoint.ts";
import type { EveryDispatcherLimit } from "./limits.ts";
import { present } from "../values/mod.ts";

/** Which workers are dialled, and how. */
export interface RehearsalGround {
  readonly endpoints: () => readonly Endpoint[];
  /** The credentials in use. */
  readonly source: CredentialsSource | undefined;
  readonly identity: readonly IdentityPattern[] | undefined;
  readonly denylist: DenylistSetting | undefined;
  readonly verdict: Pick<OpenCredentialsOptions, "verdict">;
  readonly dialPeer: typeof dialPeer;
  readonly minTlsVersion: TlsVersion | undefined;
  readonly limits: Pick<EveryDispatcherLimit, "handshakeTimeoutMs" | "verdict">;
  readonly clock: Clock;
}

/**
 * Judges the workers that are connected by other authorities, one step a turn, and dials none: whether they take a
 * certificate of ours only a handshake tells.
 *
 * @throws {ConfigurationError} If the credentials could not be adopted.
 */
export async function rehearseConnected(
  options: RehearsalRequest,
  ground: RehearsalGround,
): Promise<Rehearsal> {
  const { identity, clock, limits } = ground;
  await using source = await openRehearsed(options, ground);
  const material = withOwnChain(ground.source?.current(), source.current(), options.ownChain ?? []);
  const { anchors } = rehearsedMaterial(ground.source?.current(), material);
  if (anchors === undefined) {
    throw unusable(
      "credentials",
      "a rehearsal needs the authorities that workers would be judged by",
    );
  }
  const peers: RehearsedPeer[] = [];
  for (const { worker, link } of ground.endpoints()) {
    const { address, expected } = worker;
    if (link === undefined) {
      peers.push({ address, outcome: "unreachable", message: "it is not connected now" });
      continue;
    }
    const channel = { address, identity: link.identity, tls: link.tls };
    peers.push(
      ...await rehearsePeers([channel], {
        role: "server",
        anchors,
        expected: identity ?? (expected === undefined ? [] : parsePatterns(expected)),
        now: clock.now(),
        mode: material.verdict ?? "private",
        denylist: material.denylist,
        limits: limits.verdict,
      }, () => options.signal?.aborted !== true),
    );
  }
  return rehearsalOf(peers, ownPart(material, ground));
}

async function openRehearsed(
  { credentials, signal }: RehearseOptions,
  { denylist, verdict, clock }: RehearsalGround,
): Promise<CredentialsSource> {
  signal?.throwIfAborted();
  const source = await openCredentials(credentials, denylist, {
    role: "client",
    clock,
    ...verdict,
    ...present({ signal }),
  });
  if (source !== undefined) return source;
  throw unusable("credentials", "a rehearsal needs credentials");
}

/** So many handshakes are under way at once. */
const AT_ONCE = 8;

/**
 * Makes a handshake with every worker under other credentials.
 *
 * @throws {ConfigurationError} If the credentials could not be adopted.
 */
export async function rehearseWorkers(
  options: RehearseOptions,
  ground: RehearsalGround,
): Promise<Rehearsal> {
  await using source = await openRehearsed(options, ground);
  const material = source.current();
  const peers: RehearsedPeer[] = [];
  const waiting = ground.endpoints().entries();
  const lane = async (): Promise<void> => {
    for (const [at, endpoint] of waiting) {
      peers[at] = await rehearseOne(endpoint, material, ground, options.signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return rehearsalOf(peers, ownPart(material, ground));
}

function ownPart(
  material: CredentialMaterial,
  { source, clock }: RehearsalGround,
): RehearsedOwn {
  return rehearsedOwn(source?.current(), material, clock.now(), "client");
}

async function rehearseOne(
  { worker, ref, link }: Endpoint,
  credentials: CredentialMaterial,
  { identity, dialPeer, minTlsVersion, limits, clock }: RehearsalGround,
  signal: AbortSignal | undefined,
): Promise<RehearsedPeer> {
  const { address, expected } = worker;
  const named = { address, ...present({ identity: link?.identity }) };
  try {
    const peer = await dialPeer(parseAddress(address, "discovery"), {
      credentials,
      expected: identity ?? (expected === undefined ? [] : parsePatterns(expected)),
      worker: ref,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      verdict: limits.verdict,
      clock,
      // A worker that the new trust refuses learns nothing of the new certificate.
      showsOnlyToProven: true,
      ...present({ minTlsVersion, signal }),
    });
    await peer.connection.shutdown();
    const name = peer.identity?.name;
    return { ...named, ...present({ identity: name }), outcome: "accepted" };
  } catch (error) {
    if (error instanceof HandshakeError) return refusedWorker(address, link?.identity, error);
    signal?.throwIfAborted();
    if (!(error instanceof SelvageError)) throw error;
    return { ...named, outcome: "unreachable", message: error.message };
  }
}
