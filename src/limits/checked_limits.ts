import { insistOnNames, unusable } from "../errors/mod.ts";
import { type Http2Limits, resolveHttp2Limits } from "../http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "../identity/mod.ts";
import type { EverySharedLimit, SharedLimits } from "./shared_limits.ts";

/** Limits that are numbers of their own. */
type Plain<Every extends EverySharedLimit> = Exclude<keyof Every, "verdict" | "http2"> & string;

/** Of the limits of either end, those that must be at least 1: with 0 no call could be served. */
const COUNTS = [
  "handshakeTimeoutMs",
  "connectionAgeMs",
  "payloadDepth",
  "payloadContainers",
  "payloadEntries",
  "eventsBuffered",
] as const;

/**
 * The limits of either end, with the defaults.
 *
 * @param counts Of the end's own limits, those that must be whole numbers from 1.
 * @throws {ConfigurationError} If one of them is not a number, or out of its range.
 */
export function resolveLimits<Every extends EverySharedLimit>(
  given: SharedLimits & { readonly [Name in Plain<Every>]?: number | undefined },
  defaults: Every,
  counts: readonly Plain<Every>[],
): Every {
  insistOnNames("limits", given, defaults, "limits");
  const { verdict: _, http2: __, ...plain } = defaults;
  return {
    ...checked(given, plain, [...COUNTS, ...counts], "limits"),
    verdict: checkedVerdictLimits(given.verdict),
    http2: checkedHttp2Limits(given.http2),
  } as Every;
}

function checked(
  given: object,
  defaults: object,
  counts: readonly string[],
  within: string,
): Record<string, number> {
  const set = given as Readonly<Record<string, number | undefined>>;
  return Object.fromEntries(
    Object.entries(defaults).map(([name, byDefault]) => {
      const value = set[name] ?? byDefault;
      const whole = counts.includes(name);
      if (
        whole ? Number.isSafeInteger(value) && value >= 1 : Number.isFinite(value) && value >= 0
      ) {
        return [name, value];
      }
      const expected = whole ? "a whole number from 1" : "a number from 0";
      throw unusable(`${within}.${name}`, `${within}.${name} must be ${expected}, not ${value}`);
    }),
  );
}

/**
 * What the platform's TLS can read of one certificate, in bytes. No verdict may accept a certificate that the
 * platform cannot read.
 */
const MOST_CHAIN_BYTES = 65_280;

function checkedVerdictLimits(given: Partial<VerdictLimits> = {}): VerdictLimits {
  const within = "limits.verdict";
  insistOnNames(within, given, DEFAULT_VERDICT_LIMITS, within);
  const limits = {
    ...DEFAULT_VERDICT_LIMITS,
    ...checked(given, DEFAULT_VERDICT_LIMITS, ["certificates", "chainBytes"], within),
  };
  if (limits.chainBytes <= MOST_CHAIN_BYTES) return limits;
  throw unusable(
    `${within}.chainBytes`,
    `${within}.chainBytes must be at most ${MOST_CHAIN_BYTES}, not ${limits.chainBytes}`,
  );
}

/** Resolved once, for every end that is given none. */
const USUAL_HTTP2_LIMITS = resolveHttp2Limits();

function checkedHttp2Limits(given: Partial<Http2Limits> = USUAL_HTTP2_LIMITS): Http2Limits {
  insistOnNames("limits.http2", given, USUAL_HTTP2_LIMITS, "limits.http2");
  try {
    return resolveHttp2Limits(given);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw unusable("limits.http2", `limits.http2.${cause.message}`, cause);
  }
}
