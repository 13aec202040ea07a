import { ConfigurationError } from "../errors/mod.ts";
import { type Http2Limits, resolveHttp2Limits } from "../http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "../identity/mod.ts";

/** Limits that are numbers. */
type Numbers<Name extends string> = { readonly [_ in Name]: number };

/**
 * The limits with their defaults.
 *
 * @param counts Those that must be whole numbers from 1; the others may be any finite number from 0.
 * @throws {ConfigurationError} If one of them is no number, or none that can be meant.
 */
export function checkedLimits<Name extends string>(
  given: { readonly [_ in Name]?: number | undefined },
  defaults: Numbers<Name>,
  counts: readonly Name[],
  within = "limits",
): Numbers<Name> {
  const checked: Record<string, number> = {};
  for (const name of Object.keys(defaults) as Name[]) {
    const value = given[name] ?? defaults[name];
    const whole = counts.includes(name);
    if (
      whole ? !(Number.isSafeInteger(value) && value >= 1) : !(Number.isFinite(value) && value >= 0)
    ) {
      const expected = whole ? "a whole number from 1" : "a number from 0";
      throw new ConfigurationError(`${within}.${name} must be ${expected}, not ${value}`, {
        setting: `${within}.${name}`,
      });
    }
    checked[name] = value;
  }
  return checked as Numbers<Name>;
}

/**
 * What the platform's TLS can read of one certificate, in bytes. Of a worker's leaf that it cannot read it
 * asks no proof of the key, so that no verdict may come to take one.
 */
const MOST_CHAIN_BYTES = 65_280;

/**
 * What one verdict may cost, with the defaults.
 *
 * @throws {ConfigurationError} If one of them cannot be meant.
 */
export function checkedVerdictLimits(given: Partial<VerdictLimits> = {}): VerdictLimits {
  const counts = ["certificates", "chainBytes"] as const;
  const limits = checkedLimits<keyof VerdictLimits>(
    given,
    DEFAULT_VERDICT_LIMITS,
    counts,
    "limits.verdict",
  );
  if (limits.chainBytes <= MOST_CHAIN_BYTES) return limits;
  throw new ConfigurationError(
    `limits.verdict.chainBytes must be at most ${MOST_CHAIN_BYTES}, not ${limits.chainBytes}`,
    { setting: "limits.verdict.chainBytes" },
  );
}

/**
 * The limits of an HTTP/2 connection, with the defaults.
 *
 * @throws {ConfigurationError} If the protocol does not allow one of them.
 */
export function checkedHttp2Limits(given: Partial<Http2Limits> = {}): Http2Limits {
  try {
    return resolveHttp2Limits(given);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigurationError(`limits.http2.${cause.message}`, {
      setting: "limits.http2",
      cause,
    });
  }
}
