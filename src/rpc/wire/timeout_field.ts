/** The milliseconds of a `connect-timeout-ms` field; `undefined` where it is not one. */
export function parseConnectTimeout(text: string): number | undefined {
  if (text.length > 10) return undefined;
  return parseDigits(text, text.length);
}

/** The milliseconds of a `grpc-timeout` field; `undefined` where it is not one. */
export function parseGrpcTimeout(text: string): number | undefined {
  const digits = text.length - 1;
  if (digits > 8) return undefined;
  const unit = GRPC_UNITS[text.charAt(digits)];
  const count = parseDigits(text, digits);
  return unit === undefined || count === undefined ? undefined : count * unit;
}

/** Milliseconds as a `grpc-timeout`, whose number has at most eight digits. */
export function formatGrpcTimeout(timeoutMs: number): string {
  return timeoutMs <= MAX_GRPC_COUNT
    ? `${timeoutMs}m`
    : `${Math.min(Math.ceil(timeoutMs / 1000), MAX_GRPC_COUNT)}S`;
}

const MAX_GRPC_COUNT = 99_999_999;

const GRPC_UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

function parseDigits(text: string, length: number): number | undefined {
  if (length < 1) return undefined;
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
