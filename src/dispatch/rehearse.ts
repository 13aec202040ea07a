import { parseAddress, type TlsVersion } from "../channel/mod.ts";
import {
  type CredentialMaterial,
  type DenylistSetting,
  openCredentials,
  type OpenCredentialsOptions,
  ownCertificateFault,
} from "../credentials/mod.ts";
import { ConfigurationError, HandshakeError, SelvageError } from "../errors/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import {
  type dialPeer,
  refusedWorker,
  type Rehearsal,
  rehearsalOf,
  type RehearsedPeer,
  type RehearseOptions,
} from "../peer/mod.ts";
import type { Endpoint } from "./fleet/endpoint.ts";
import type { EveryDispatcherLimit } from "./limits.ts";
import { present } from "../values/mod.ts";

/** Which workers are dialled, and how. */
export interface RehearsalGround {
  readonly endpoints: readonly Endpoint[];
  readonly identity: readonly IdentityPattern[] | undefined;
  readonly denylist: DenylistSetting | undefined;
  readonly verdict: Pick<OpenCredentialsOptions, "verdict">;
  readonly dialPeer: typeof dialPeer;
  readonly minTlsVersion: TlsVersion | undefined;
  readonly limits: Pick<EveryDispatcherLimit, "handshakeTimeoutMs" | "verdict">;
  readonly clock: Clock;
}

/** So many handshakes are under way at once. */
const AT_ONCE = 8;

/**
 * Makes a handshake with every worker under other credentials.
 *
 * @throws {ConfigurationError} If the credentials could not be adopted.
 */
export async function rehearseWorkers(
  { credentials, signal }: RehearseOptions,
  ground: RehearsalGround,
): Promise<Rehearsal> {
  const { endpoints, denylist, verdict, clock } = ground;
  signal?.throwIfAborted();
  await using source = await openCredentials(credentials, denylist, {
    role: "client",
    clock,
    ...verdict,
    ...present({ signal }),
  });
  const material = source?.current();
  if (material === undefined) {
    throw new ConfigurationError("a rehearsal needs credentials", { setting: "credentials" });
  }
  const peers: RehearsedPeer[] = [];
  const waiting = endpoints.entries();
  const lane = async (): Promise<void> => {
    for (const [at, endpoint] of waiting) {
      peers[at] = await rehearseOne(endpoint, material, ground, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return rehearsalOf(peers, ownCertificateFault(material, clock.now(), "client"));
}

async function rehearseOne(
  { worker, ref, link }: Endpoint,
  credentials: CredentialMaterial,
  { identity, dialPeer, minTlsVersion, limits, clock }: RehearsalGround,
  signal: AbortSignal | undefined,
): Promise<RehearsedPeer> {
  const { address, expected } = worker;
  const named = {
    address,
    ...present({ identity: link?.identity }),
  };
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
