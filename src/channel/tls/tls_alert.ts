/** Alerts by their number in RFC 8446 §6, with the retired ones of TLS 1.2 that peers still send. */
const ALERTS: ReadonlyMap<number, string> = new Map([
  [0, "close_notify"],
  [10, "unexpected_message"],
  [20, "bad_record_mac"],
  [21, "decryption_failed"],
  [22, "record_overflow"],
  [30, "decompression_failure"],
  [40, "handshake_failure"],
  [41, "no_certificate"],
  [42, "bad_certificate"],
  [43, "unsupported_certificate"],
  [44, "certificate_revoked"],
  [45, "certificate_expired"],
  [46, "certificate_unknown"],
  [47, "illegal_parameter"],
  [48, "unknown_ca"],
  [49, "access_denied"],
  [50, "decode_error"],
  [51, "decrypt_error"],
  [70, "protocol_version"],
  [71, "insufficient_security"],
  [80, "internal_error"],
  [86, "inappropriate_fallback"],
  [90, "user_canceled"],
  [100, "no_renegotiation"],
  [109, "missing_extension"],
  [110, "unsupported_extension"],
  [112, "unrecognized_name"],
  [113, "bad_certificate_status_response"],
  [115, "unknown_psk_identity"],
  [116, "certificate_required"],
  [120, "no_application_protocol"],
]);

/** The same names as the platform prints them, without their underscores; two are spelt its own way. */
const PRINTED: ReadonlyMap<string, string> = new Map([
  ...[...ALERTS.values()].map((name) => [name.replaceAll("_", ""), name] as const),
  ["unrecognisedname", "unrecognized_name"],
  ["usercancelled", "user_canceled"],
]);

const ALERT_RECORD = 0x15;
const FATAL = 2;

/**
 * The alert a failed handshake received. The platform's code is the same for an alert received and for
 * many a failure of its own, so its text decides; a canary pins it.
 */
export function alertReceived(message: string): string | undefined {
  // Node prints what OpenSSL found, and the number of an alert that was received.
  const number = /:SSL alert number (\d{1,3})/.exec(message)?.[1];
  if (number !== undefined) return ALERTS.get(Number(number)) ?? `alert_${number}`;
  const printed = /^received fatal alert: (\w+)/.exec(message)?.[1];
  if (printed === undefined) return undefined;
  return PRINTED.get(printed.toLowerCase()) ?? printed.slice(0, 64);
}

/** The alert in a record that is not encrypted, the first of `bytes`. */
export function alertInClear(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== ALERT_RECORD || bytes[3] !== 0 || bytes[4] !== 2) return undefined;
  const description = bytes[6];
  return description === undefined ? undefined : ALERTS.get(description) ?? `alert_${description}`;
}

/** A fatal alert as a record in the clear, as a server may send it in answer to a ClientHello. */
export function alertRecord(name: string): Uint8Array<ArrayBuffer> {
  for (const [description, known] of ALERTS) {
    if (known === name) return new Uint8Array([ALERT_RECORD, 3, 3, 0, 2, FATAL, description]);
  }
  throw new RangeError(`there is no TLS alert ${name}`);
}
