/** One attack on each end, by a peer that speaks TLS octet by octet, and what must hold of every one. */
import assert from "node:assert/strict";
import type { HandshakeError, PeerReason } from "../../src/errors/mod.ts";
import { isPeerReason } from "../../src/errors/mod.ts";
import type { Clock, EventOf } from "../../src/observe/mod.ts";
import type { IdentityPattern } from "../../src/identity/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import {
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  type Shown,
  WORKER_ID,
} from "../support/peers.ts";
import {
  connectRaw,
  type Heard,
  listenRaw,
  type Octets,
  type RawPeer,
  type Side,
  signingKey,
} from "../support/raw_tls/mod.ts";
import { RecordingObserver } from "../support/recording_observer.ts";

/** Only `root` is trusted. */
export const authorities = makeAuthorities();
const { root } = authorities;

/** The certificates of both ends, flawless: their owners' in a defence, stolen in an attack. */
export const flawless = {
  client: certificateShapes(authorities, CLIENT_ID).fine(),
  server: certificateShapes(authorities, WORKER_ID).fine(),
} as const;

/** The identity that an attacker on this side claims. */
export const claimed: Readonly<Record<Side, string>> = { client: CLIENT_ID, server: WORKER_ID };

/** The attacker's own certificate, which nobody has signed, and its key. */
export const own = makeCertificate({ name: "attacker", names: [{ uri: WORKER_ID }] });
/** The key of {@linkcode own}. */
export const ownKey = await signingKey(own.keyPem);

/** How HTTP/2 begins: the preface, and SETTINGS, with which a server begins as well. */
export const HTTP2 = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
);

/** What an attacker writes behind the hellos; it is sent off when all is written. */
export type Attack = (raw: RawPeer, side: Side) => Promise<void>;

/** What became of an attack on a dispatcher. */
export interface DispatcherAttacked {
  readonly error: HandshakeError;
  /** What the dispatcher sent on the connection that was to carry calls, and on the probe that followed. */
  readonly heard: readonly Heard[];
}

/** Attacks a dispatcher: it must report a handshake error of its own side, and must write nothing. */
export async function attackDispatcher(
  attack: Attack,
  options: { readonly clock?: Clock } = {},
): Promise<DispatcherAttacked> {
  await using server = listenRaw(async (raw) => {
    await attack(raw, "server");
    await raw.send();
  });
  const shown: Shown = { certificate: flawless.client, trusts: [root] };
  const error = await handshakeErrorOf(dialAs(shown, server.address, options));
  const heard = await server.heard();
  for (const { application } of heard) assert.equal(application.length, 0, application.toHex());
  const [, ...looks] = heard;
  for (const { certificates = [] } of looks) assert.deepEqual(certificates, []);
  assert.ok(looks.length <= 1, `${looks.length} looks`);
  assert.equal(error.side, "dispatcher", error.message);
  return { error, heard };
}

/** What a client is sent. */
export type Reported = { readonly refused: PeerReason } | { readonly alert: string } | "nothing";

/** What became of an attack on a worker. */
export interface WorkerAttacked {
  readonly refused: Omit<EventOf<"handshake.refused">, "at" | "origin">;
  readonly heard: Heard;
}

/** What a worker that is attacked does otherwise. */
export interface WorkerOptions {
  readonly clock?: Clock;
  /** Whom it trusts beside `root`. Default: nobody. */
  readonly trusts?: readonly TestCertificate[];
  /** Whom it allows. Default: the clients of `example.org`. */
  readonly allow?: readonly IdentityPattern[];
}

/** Attacks a worker: it must refuse once, must accept nobody, and must send the refusal or nothing. */
export async function attackWorker(
  attack: Attack,
  options: WorkerOptions = {},
): Promise<WorkerAttacked> {
  const observer = new RecordingObserver();
  const { trusts = [], ...settings } = options;
  await using listener = await listenAs({
    certificate: flawless.server,
    trusts: [root, ...trusts],
  }, {
    ...settings,
    observer,
    onPeer: () => assert.fail("the client was accepted"),
  });
  assert.ok(listener.address.kind === "tcp");
  using raw = await connectRaw(listener.address);
  await attack(raw, "client");
  const [, heard] = await Promise.all([raw.send(), raw.heard()]);
  const [refused, ...more] = await observer.until("handshake.refused");
  assert.ok(refused !== undefined);
  assert.deepEqual(more, []);
  assert.equal(refused.side, "worker");
  return { refused, heard };
}

/** Asserts that a client was sent this and nothing else. What was sent may be lost to a reset. */
export function assertReported({ application, alerts, end }: Heard, reported: Reported): void {
  const word = application.length === 0 ? undefined : refusalIn(application);
  const farewells = alerts.filter((alert) => alert !== "close_notify");
  if (end === "reset" && word === undefined && alerts.length === 0) return;
  assert.equal(
    word,
    typeof reported === "object" && "refused" in reported ? reported.refused : undefined,
  );
  assert.deepEqual(
    farewells,
    typeof reported === "object" && "alert" in reported ? [reported.alert] : [],
  );
}

/** Asserts that a client that floods got no more than SETTINGS and, where there was time, the reason. */
export function assertCutOff(heard: Heard, reported: Reported): void {
  const { application, alerts } = heard;
  if (application.length + alerts.length === 0) return;
  if (application.toHex() === "000000040000000000") assert.deepEqual(alerts, []);
  else assertReported(heard, reported);
}

/** SETTINGS, then GOAWAY with INADEQUATE_SECURITY and nothing but JSON (RFC 9113 §6.5, §6.8). */
const REFUSAL = /^0{6}040{10}0000(..)070{10}7f{7}0000000c(.*)$/;

function refusalIn(application: Octets): PeerReason {
  const [, length = "", json = ""] = REFUSAL.exec(application.toHex()) ?? [];
  assert.equal(Number.parseInt(length, 16), 8 + json.length / 2, application.toHex());
  const { refused, ...more } = JSON.parse(new TextDecoder().decode(Uint8Array.fromHex(json)));
  assert.deepEqual(more, {});
  assert.ok(isPeerReason(refused));
  return refused;
}
