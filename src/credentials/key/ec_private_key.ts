import { DerReader, readSequence, TAG } from "../../identity/mod.ts";
import { octetString, sequence } from "../der_writer.ts";
import { toHex } from "../../platform/mod.ts";

/** The octets of a private scalar, by the curve's object identifier in hexadecimal: those of the curve's order. */
const SCALAR_OCTETS: Readonly<Record<string, number>> = {
  "2a8648ce3d030107": 32,
  "2b81040022": 48,
  "2b81040023": 66,
};

/** The tag of the parameters in an ECPrivateKey. */
const PARAMETERS = 0xa0;

/**
 * An ECPrivateKey (RFC 5915 §3), or the PrivateKeyInfo (RFC 5208 §5) of one, whose scalar has the length that is asked
 * for there. certtool 3.7.9 writes it as the bytes of an INTEGER, half of the time with a zero before it on P-256 and
 * P-384, and the platform does not read that (`findings/certtool_ec_keys.sh`).
 *
 * @param der the key in DER.
 * @returns nothing where it is anything else.
 */
export function withFixedScalar(
  der: Uint8Array,
  form: "EC PRIVATE KEY" | "PRIVATE KEY",
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return form === "EC PRIVATE KEY" ? ofKey(der) : ofInfo(der);
  } catch {
    return undefined;
  }
}

function ofInfo(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const info = readSequence(der, "the key");
  const version = info.next(TAG.integer, "its version");
  const algorithm = info.next(TAG.sequence, "its algorithm");
  const key = info.next(TAG.octetString, "the key").contents;
  const parameters = new DerReader(algorithm.contents);
  parameters.next(TAG.oid, "its algorithm");
  const fixed = ofKey(key, parameters.next(TAG.oid, "its curve").contents);
  if (fixed === undefined) return undefined;
  return sequence(version.bytes, algorithm.bytes, octetString(fixed), ...bytesOf(info));
}

function ofKey(der: Uint8Array, curve?: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const key = readSequence(der, "the key");
  const version = key.next(TAG.integer, "its version");
  const scalar = key.next(TAG.octetString, "its scalar").contents;
  const rest = bytesOf(key);
  const named = curve ?? curveIn(rest);
  const octets = named && SCALAR_OCTETS[toHex(named)];
  const begin = scalar.findIndex((octet) => octet !== 0);
  const digits = begin === -1 ? scalar : scalar.subarray(begin);
  if (octets === undefined || digits.length > octets) return undefined;
  const fixed = new Uint8Array(octets);
  fixed.set(digits, octets - digits.length);
  return sequence(version.bytes, octetString(fixed), ...rest);
}

function curveIn(rest: readonly Uint8Array[]): Uint8Array | undefined {
  const parameters = rest.find(([tag]) => tag === PARAMETERS);
  if (parameters === undefined) return undefined;
  const { contents } = new DerReader(parameters).any();
  return new DerReader(contents).next(TAG.oid, "its curve").contents;
}

/** The elements that remain in it, as they stand there. */
function bytesOf(reader: DerReader): readonly Uint8Array[] {
  return [...reader.rest()].map(({ bytes }) => bytes);
}
