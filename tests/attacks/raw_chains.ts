import { extension as certificateExtension } from "../../src/credentials/certificate_writer.ts";
import { sequence } from "../../src/credentials/der_writer.ts";
import type { HandshakeReason } from "../../src/errors/mod.ts";
import {
  makeCertificate,
  type TestAuthorities,
  type TestCertificate,
  type TestCertificateOptions,
} from "../support/certificates.ts";
import { type CertificateEntry, extension, joined } from "../support/raw_tls/mod.ts";
import type { Told } from "./raw_attack.ts";

/** What is shown where a list of certificates is expected. */
export type ShownList = readonly (Uint8Array | CertificateEntry)[];

/** A list of certificates that no TLS library shows, and that must never prove anybody. */
export interface BrokenChain extends Outcome {
  readonly name: string;
  /** The list for a peer of this identity, and the key of its leaf. */
  readonly make: (identity: string) => { readonly list: ShownList; readonly keyPem: string };
}

/** What comes of a list. */
interface Outcome {
  /** What a dispatcher says of a worker that shows it. */
  readonly atDispatcher: HandshakeReason;
  /** What a worker tells a client that shows it. */
  readonly told: Told;
}

/**
 * A leaf that cannot be read. The platform's client takes some for good, and asks no proof of the key: there
 * our verdict refuses. Its server sends an alert before a verdict is asked for.
 */
const UNREADABLE: Outcome = {
  atDispatcher: "certificate-unsuitable",
  told: { alert: "bad_certificate" },
};
/** A leaf that can be read; the verdict on both ends is ours. */
const UNSUITABLE: Outcome = {
  atDispatcher: "certificate-unsuitable",
  told: { refused: "certificate-unsuitable" },
};
/** An authority that is none breaks the chain. */
const UNTRUSTED: Outcome = {
  atDispatcher: "untrusted-authority",
  told: { refused: "untrusted-authority" },
};
/** No message of TLS at all. */
const MISSHAPEN: Outcome = { atDispatcher: "tls-alert", told: { alert: "decode_error" } };

/** Every broken list, under these authorities: only `root` is trusted. */
export function brokenChains({ root, intermediate }: TestAuthorities): BrokenChain[] {
  const shown = (
    outcome: Outcome,
    name: string,
    show: (leaf: TestCertificate) => ShownList,
    options: TestCertificateOptions = {},
  ): BrokenChain => ({
    ...outcome,
    name,
    make: (uri) => {
      const leaf = makeCertificate({ names: [{ uri }], issuer: root, ...options });
      return { list: show(leaf), keyPem: leaf.keyPem };
    },
  });
  const under = { issuer: intermediate };
  return [
    shown(UNREADABLE, "a leaf with one byte behind its end", ({ der }) => [longer(der, "\0")]),
    shown(
      UNREADABLE,
      "a leaf with a NUL and another name behind its end",
      ({ der }) => [longer(der, "\0spiffe://example.org/client/admin")],
    ),
    shown(
      UNREADABLE,
      "a leaf with 20,000 bytes behind its end",
      ({ der }) => [joined(der, new Uint8Array(20_000))],
    ),
    shown(
      UNREADABLE,
      "a leaf with a byte behind its end, under an intermediate",
      ({ der }) => [longer(der, "\0"), intermediate.der],
      under,
    ),
    shown(UNREADABLE, "two leaves in one entry", ({ der }) => [joined(der, der)]),
    shown(
      UNREADABLE,
      "a leaf whose length has a shorter form",
      ({ der }) => [withLongerLength(der)],
    ),
    shown(UNREADABLE, "a leaf of indefinite length", ({ der }) => [withoutLength(der)]),
    shown(UNREADABLE, "a leaf that is cut off", ({ der }) => [der.subarray(0, -1)]),
    shown(UNREADABLE, "a leaf of no bytes", () => [new Uint8Array(0)]),
    shown(UNREADABLE, "an entry of no bytes, then a leaf", ({ der }) => [new Uint8Array(0), der]),
    shown(UNREADABLE, "a leaf of garbage", () => [new Uint8Array(300).fill(0xa5)]),
    shown(UNREADABLE, "a leaf of zeros", () => [new Uint8Array(300)]),
    shown(UNREADABLE, "a leaf in PEM", ({ pem }) => [new TextEncoder().encode(pem)]),
    shown(UNREADABLE, "a sequence around a leaf", ({ der }) => [sequence(der)]),
    shown(UNREADABLE, "a leaf whose distribution points are none", ({ der }) => [der], {
      extensions: [certificateExtension("2.5.29.31", false, Uint8Array.of(0x05, 0x00))],
    }),
    {
      ...UNSUITABLE,
      name: "a URI with a NUL behind the identity",
      make: (id) => alone(makeCertificate({ names: [{ uri: `${id}\0.com` }], issuer: root })),
    },
    {
      ...UNSUITABLE,
      name: "a DNS name with a NUL in it beside the identity",
      make: (uri) =>
        alone(makeCertificate({ names: [{ uri }, { dns: "worker\0.example.com" }], issuer: root })),
    },
    shown(UNSUITABLE, "the leaf a hundred times", ({ der }) => new Array(100).fill(der)),
    shown(
      UNSUITABLE,
      "a leaf and more garbage than a chain may have bytes",
      ({ der }) => [der, new Uint8Array(33_000)],
    ),
    shown(UNTRUSTED, "a leaf, then an entry of no bytes", ({ der }) => [der, new Uint8Array(0)]),
    shown(
      UNTRUSTED,
      "a leaf and an intermediate with a byte behind its end",
      ({ der }) => [der, longer(intermediate.der, "\0")],
      under,
    ),
    shown(
      UNTRUSTED,
      "a leaf and an intermediate whose length has a shorter form",
      ({ der }) => [der, withLongerLength(intermediate.der)],
      under,
    ),
    shown(
      { atDispatcher: "untrusted-authority", told: { alert: "decrypt_error" } },
      "an intermediate before the leaf",
      ({ der }) => [intermediate.der, der],
      under,
    ),
    shown(
      MISSHAPEN,
      "a leaf with an extension that nobody asked for",
      ({ der }) => [{ certificate: der, extensions: extension(18, new Uint8Array(3)) }],
    ),
    shown(
      MISSHAPEN,
      "a leaf with an extension that is cut off",
      ({ der }) => [{ certificate: der, extensions: Uint8Array.of(0, 18, 0, 9) }],
    ),
    // The platform hangs up on a message of this size without a word.
    shown(
      { atDispatcher: "tls-alert", told: "nothing" },
      "garbage of 64 KiB for a leaf",
      () => [new Uint8Array(64 * 1024).fill(0x30)],
    ),
    shown(
      { atDispatcher: "tls-alert", told: { alert: "unexpected_message" } },
      "no certificate, and the proof of a key",
      () => [],
    ),
  ];
}

function alone({ der, keyPem }: TestCertificate): { list: ShownList; keyPem: string } {
  return { list: [der], keyPem };
}

function longer(der: Uint8Array, text: string): Uint8Array {
  return joined(der, new TextEncoder().encode(text));
}

/** The outer length in three octets instead of two: BER, not DER (X.690 §10.1). */
function withLongerLength(der: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(0x30, 0x83, 0), der.subarray(2));
}

/** An indefinite length, and the end-of-contents octets that go with it (X.690 §8.1.3.6). */
function withoutLength(der: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(0x30, 0x80), der.subarray(4), Uint8Array.of(0, 0));
}
