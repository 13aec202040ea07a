import { extension as certificateExtension } from "../../src/credentials/certificate_writer.ts";
import type { HandshakeReason } from "../../src/errors/mod.ts";
import {
  makeCertificate,
  misencodedExtension,
  type TestAuthorities,
  type TestCertificate,
  type TestCertificateOptions,
} from "../support/certificates.ts";
import { type CertificateEntry, extension } from "../support/raw_tls/mod.ts";
import type { Reported } from "./raw_attack.ts";

/** What is shown where a list of certificates is expected. */
export type ShownList = readonly (Uint8Array | CertificateEntry)[];

/** A list of certificates that a TLS library does not send as it is, and that must never prove a peer. */
export interface BrokenChain extends Outcome {
  readonly name: string;
  /** The list for a peer of this identity, and the key of its leaf. */
  readonly make: (identity: string) => { readonly list: ShownList; readonly keyPem: string };
}

/** What comes of a list. */
interface Outcome {
  /** What a dispatcher says of a worker that shows it. */
  readonly atDispatcher: HandshakeReason;
  /** The reason that a worker gives a client that shows it. */
  readonly reported: Reported;
}

/** Our own root signed it, and both ends refuse it by our verdict. */
const UNSUITABLE: Outcome = {
  atDispatcher: "certificate-unsuitable",
  reported: { refused: "certificate-unsuitable" },
};
/** Not a message of TLS. */
const MISSHAPEN: Outcome = { atDispatcher: "tls-alert", reported: { alert: "decode_error" } };

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
  const large = makeCertificate({
    name: "large",
    extensions: [certificateExtension("1.3.6.1.4.1.55555.2", false, new Uint8Array(33_000))],
  });
  return [
    shown(UNSUITABLE, "a version 1 leaf", ({ der }) => [der], { version: 1 }),
    shown(UNSUITABLE, "a leaf that was signed with a broken encoding", ({ der }) => [der], {
      extensions: [misencodedExtension()],
    }),
    {
      ...UNSUITABLE,
      name: "a URI with a space in it",
      make: (id) => alone(makeCertificate({ names: [{ uri: `${id} x` }], issuer: root })),
    },
    shown(
      UNSUITABLE,
      "a leaf and another certificate with more bytes than a chain may have",
      ({ der }) => [der, large.der],
    ),
    shown(UNSUITABLE, "the leaf a hundred times", ({ der }) => new Array(100).fill(der)),
    shown(
      { atDispatcher: "untrusted-authority", reported: { alert: "decrypt_error" } },
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
      { atDispatcher: "tls-alert", reported: "nothing" },
      "a leaf of 64 KiB",
      ({ der }) => [der],
      {
        extensions: [certificateExtension("1.3.6.1.4.1.55555.2", false, new Uint8Array(64 * 1024))],
      },
    ),
    shown(
      { atDispatcher: "tls-alert", reported: { alert: "unexpected_message" } },
      "no certificate, and the proof of a key",
      () => [],
    ),
  ];
}

function alone({ der, keyPem }: TestCertificate): { list: ShownList; keyPem: string } {
  return { list: [der], keyPem };
}
