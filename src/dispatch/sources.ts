import {
  type Credentials,
  type CredentialsSource,
  type DenylistSetting,
  openCredentials,
  type OpenCredentialsOptions,
  verdictOption,
} from "../credentials/mod.ts";
import {
  type Discovery,
  discoveryFromUrl,
  signedDiscovery,
  type SignedDiscoveryOptions,
} from "../discovery/mod.ts";
import { insistOnChoice, insistOnKind, isTextOrTexts, unusable } from "../errors/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import type { ChannelSecurity } from "../observe/mod.ts";
import { present } from "../values/mod.ts";
import { type DialOptions, dialWith } from "./endpoint/dial.ts";
import type { Dial } from "./endpoint/link.ts";
import { type Lease, leaseOf } from "./fleet/lease.ts";
import type { EveryDispatcherLimit } from "./limits.ts";
import type { WorkerSource } from "./options.ts";

/** A source of workers whose options can be used; nothing of it is open yet. */
export interface CheckedSource {
  readonly discovery: Discovery;
  readonly credentials: Credentials | undefined;
  readonly denylist: DenylistSetting | undefined;
  readonly identity: readonly IdentityPattern[] | undefined;
  /** Whether only signed announcements are used. */
  readonly signed: boolean;
  /** How certificates are judged, where it is said. */
  readonly verdict: Pick<OpenCredentialsOptions, "verdict">;
  /** How many of its workers are used, and which. */
  readonly lease: Lease | undefined;
}

/** Discoveries that carry addresses alone. */
const WITHOUT_STATEMENTS = /^(?:k8s|dns\+srv):/;

/**
 * What can be said of a source before anything is opened.
 *
 * @throws {ConfigurationError} If its options cannot be used.
 */
export function checkSource(source: WorkerSource, strict: boolean): CheckedSource {
  const discovery = typeof source.discovery === "string"
    ? discoveryFromUrl(source.discovery)
    : source.discovery;
  insistOnKind(
    "discovery",
    discovery,
    typeof discovery?.watch === "function",
    'a URL such as "static:HOST:PORT", or a discovery',
  );
  const { credentials, denylist } = source;
  // Workers that have names are reached over TCP; any other address is judged when it is dialled.
  if (strict && credentials === undefined && discovery.namesWorkers) {
    throw unusable("credentials", "strict refuses plaintext over TCP; give credentials");
  }
  const expected = source.identity ?? [];
  insistOnKind("identity", expected, isTextOrTexts(expected), "a pattern, or a list of them");
  const identity = source.identity === undefined ? undefined : parsePatterns(source.identity);
  if (credentials !== undefined && identity === undefined && !discovery.namesWorkers) {
    throw unusable(
      "identity",
      `workers found by ${discovery.source} need an identity to be verified against: ` +
        "name who they must prove to be (identity, --identity)",
    );
  }
  if (credentials === undefined && identity !== undefined) {
    throw unusable("credentials", "an identity cannot be verified without credentials");
  }
  insistOnChoice("announcements", source.announcements, ["any", "signed"]);
  const signed = source.announcements === "signed";
  const carriesData = !discovery.namesWorkers && !WITHOUT_STATEMENTS.test(discovery.source);
  if (signed && (credentials === undefined || identity === undefined || !carriesData)) {
    throw unusable(
      "announcements",
      'announcements: "signed" needs credentials, identity, and a discovery where workers announce themselves, ' +
        `not ${discovery.source}`,
    );
  }
  const lease = leaseOf(source.lease);
  return {
    discovery,
    credentials,
    denylist,
    identity,
    signed,
    verdict: verdictOption(source),
    lease,
  };
}

/** What every source of a dispatcher dials with. */
export interface SourceGround extends Omit<DialOptions, "credentials" | "identity"> {
  readonly limits: EveryDispatcherLimit;
}

/** A source whose workers can be found and dialled. */
export interface OpenedSource {
  readonly discovery: Discovery;
  readonly dial: Dial;
  /** Who we are to its workers; `undefined` is plaintext. */
  readonly source: CredentialsSource | undefined;
  readonly lease: Lease | undefined;
}

/**
 * Reads the credentials of a source; `opening` closes them again.
 *
 * @throws {ConfigurationError} If the credentials cannot be read.
 */
export async function openSource(
  checked: CheckedSource,
  ground: SourceGround,
  opening: AsyncDisposableStack,
): Promise<OpenedSource> {
  const { credentials, denylist, identity, verdict, lease } = checked;
  const { observer, clock, limits } = ground;
  const source = await openCredentials(credentials, denylist, {
    role: "client",
    observer,
    clock,
    ...verdict,
    ...present({ accepts: identity }),
  });
  if (source !== undefined) opening.use(source);
  const dial = dialWith({ ...ground, credentials: source, identity });
  return { discovery: usedDiscovery(checked, source, clock, limits.verdict), dial, source, lease };
}

/** The discovery as it is used: of signed announcements alone, where these are demanded. */
function usedDiscovery(
  { discovery, identity, signed }: CheckedSource,
  credentials: CredentialsSource | undefined,
  clock: SourceGround["clock"],
  limits: SignedDiscoveryOptions["limits"],
): Discovery {
  if (!signed || credentials === undefined || identity === undefined) return discovery;
  return signedDiscovery(discovery, { credentials, identity, clock, limits });
}

/** How the channels of a source are protected. */
export function securityOf(source: CredentialsSource | undefined): ChannelSecurity {
  if (source === undefined) return "plaintext";
  return source.current().mode === "mutual" ? "mutual-tls" : "one-way-tls";
}
