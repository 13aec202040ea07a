import { Credentials } from "../credentials/mod.ts";
import { type HandshakeEvidence, unusable } from "../errors/mod.ts";
import {
  type Certificate,
  isCertificateFault,
  judgePeer,
  parsePattern,
  parsePemBundle,
  type PeerRole,
  spiffeIdOf,
  TrustAnchors,
} from "../identity/mod.ts";
import { type Clock, type EventHub, redacted } from "../observe/mod.ts";
import type { Rehearsal, RehearsalRequest } from "../peer/mod.ts";
import { requireDeno } from "../platform/mod.ts";
import { type RehearsedPem, serveAdmin } from "./admin_socket.ts";
import { present } from "../values/mod.ts";

/** What an admin socket shows. */
export interface AdminOptions {
  /** What we are to our peers. */
  readonly role: PeerRole;
  readonly hub: EventHub;
  readonly clock: Clock;
  /** How we are now; `refusals` holds the handshakes that failed since the socket is open, by reason. */
  readonly snapshot: (refusals: Readonly<Record<string, number>>) => unknown;
  /** Judges the peers that are connected by other authorities; nothing is adopted. */
  readonly rehearse: (options: RehearsalRequest) => Promise<Rehearsal>;
}

/** The event by which each role reports a handshake that failed. */
const REPORTED = { server: "handshake.refused", client: "handshake.failed" } as const;

/**
 * Opens an admin socket.
 *
 * @param path Where; its folder is made where it is not there, for our user alone.
 * @throws {ConfigurationError} If another user could reach or replace it, or this is not Deno.
 */
export async function openAdmin(path: string, options: AdminOptions): Promise<AsyncDisposable> {
  const elsewhere = requireDeno("the admin socket");
  if (elsewhere !== undefined) throw unusable("admin", elsewhere);
  const { role, hub, snapshot } = options;
  await using opening = new AsyncDisposableStack();
  const counted = hub.events();
  opening.use(counted);
  const refusals: Record<string, number> = {};
  void (async () => {
    for await (const event of counted) {
      if (event.type !== REPORTED[role]) continue;
      const { reason } = event as { readonly reason: string };
      refusals[reason] = (refusals[reason] ?? 0) + 1;
    }
  })();
  opening.use(
    await serveAdmin(path, {
      snapshot: () => snapshot({ ...refusals }),
      events: () => mapped(hub.events()),
      rehearse: (pem, signal) => rehearsePem(pem, options, signal),
    }),
  );
  return opening.move();
}

/** Events without what no reader may see, as in the log. */
function mapped(events: ReturnType<EventHub["events"]>): AsyncIterable<unknown> & Disposable {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const event of events) yield redacted({ ...event });
    },
    [Symbol.dispose]: () => events[Symbol.dispose](),
  };
}

async function rehearsePem(
  { ca, cert }: RehearsedPem,
  { role, rehearse, clock }: AdminOptions,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const ownChain = cert === undefined ? [] : certificatesIn(cert, "cert");
  const credentials = Credentials.fromPem({ ca, oneWay: true });
  const result = await rehearse({ credentials, signal, ownChain });
  // Of the one in use all is said.
  if (ownChain.length === 0 || result.ownInUse === true) return result;
  const own = ownFault(ownChain, ca, role, clock.now());
  return own === undefined ? result : { ...result, own };
}

/** What peers that trust the new authorities would say to our new chain; its key is not here. */
function ownFault(
  chain: readonly Certificate[],
  ca: string,
  role: PeerRole,
  now: number,
): HandshakeEvidence | undefined {
  const bundle = certificatesIn(ca, "ca");
  const localDomain = chain[0] && spiffeIdOf(chain[0])?.trustDomain;
  const verdict = judgePeer(chain.map(({ der }) => der), {
    role,
    anchors: new TrustAnchors({ bundle, ...present({ localDomain }) }),
    expected: [parsePattern("*")],
    now,
  });
  return verdict.trusted ? undefined : verdict.evidence;
}

function certificatesIn(pem: string, setting: string): readonly Certificate[] {
  const read = parsePemBundle(pem);
  if (!isCertificateFault(read)) return read;
  throw unusable(setting, `${setting} cannot be read: ${read.found}`);
}
