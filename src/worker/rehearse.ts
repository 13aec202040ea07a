import {
  type CredentialsSource,
  type DenylistSetting,
  openCredentials,
  rehearsedMaterial,
  rehearsedOwn,
  withOwnChain,
} from "../credentials/mod.ts";
import { unusable } from "../errors/mod.ts";
import type { IdentityPattern, VerdictLimits, VerdictMode } from "../identity/mod.ts";
import type { Clock } from "../observe/mod.ts";
import {
  type PeerListener,
  type Rehearsal,
  rehearsalOf,
  type RehearsalRequest,
  rehearsePeers,
} from "../peer/mod.ts";
import { present } from "../values/mod.ts";

/** By what a worker judges its clients. */
export interface RehearsalGround {
  readonly listeners: readonly PeerListener[];
  /** The credentials in use. */
  readonly source: CredentialsSource | undefined;
  readonly allow: readonly IdentityPattern[];
  readonly denylist: DenylistSetting | undefined;
  readonly verdict: VerdictMode | undefined;
  readonly limits: Partial<VerdictLimits>;
  readonly clock: Clock;
}

/**
 * Judges the clients that are connected as if a worker had adopted other credentials.
 *
 * @throws {ConfigurationError} If the credentials could not be adopted.
 */
export async function rehearseClients(
  { credentials, signal, ownChain = [] }: RehearsalRequest,
  { listeners, source: inUse, allow, denylist, verdict, limits, clock }: RehearsalGround,
): Promise<Rehearsal> {
  signal?.throwIfAborted();
  await using source = await openCredentials(credentials, denylist, {
    role: "server",
    clock,
    ...present({ verdict, signal }),
  });
  const material = source && withOwnChain(inUse?.current(), source.current(), ownChain);
  const anchors = material && rehearsedMaterial(inUse?.current(), material).anchors;
  if (material === undefined || anchors === undefined) {
    throw unusable(
      "credentials",
      "a rehearsal needs the authorities that clients would be judged by",
    );
  }
  const now = clock.now();
  const connected = listeners.flatMap((listener) => listener.connections())
    .filter(({ takesCalls }) => takesCalls)
    .map(({ peer }) => ({
      address: peer.remoteAddress,
      identity: peer.identity?.name,
      tls: peer.facts.tls,
    }));
  const peers = await rehearsePeers(connected, {
    role: "client",
    anchors,
    expected: allow,
    now,
    mode: material.verdict ?? "private",
    denylist: material.denylist,
    limits,
  }, () => signal?.aborted !== true);
  return rehearsalOf(peers, rehearsedOwn(inUse?.current(), material, now, "server"));
}
