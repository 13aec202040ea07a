import { invalid } from "../setting.ts";

/** The names of one fleet on a network (RFC 6763). */
export interface LanNames {
  /** The type of service that every worker has. */
  readonly service: string;
  /** The subtype of the fleet's workers (RFC 6763 §7.1), which is what is looked for. */
  readonly fleet: string;
}

/** What tells which types of service there are (RFC 6763 §9). */
export const SERVICE_TYPES = "_services._dns-sd._udp.local";

/**
 * The names under which the workers of a fleet are found.
 *
 * @throws {ConfigurationError} If the fleet has no name that fits into one label.
 */
export function lanNames(fleet: string): LanNames {
  if (!/^[A-Za-z0-9]([A-Za-z0-9-]{0,60}[A-Za-z0-9])?$/.test(fleet)) {
    throw invalid(
      `lan discovery needs a name of letters, digits and dashes, at most 62, not ${
        JSON.stringify(fleet)
      }`,
    );
  }
  const service = "_selvage._tcp.local";
  return { service, fleet: `_${fleet.toLowerCase()}._sub.${service}` };
}
