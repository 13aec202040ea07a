import { ASSUMED_DESCRIPTORS } from "./descriptors.ts";
import type { SocketLimits } from "./socket_admission.ts";

/** What a worker holds by default at most, however many descriptors there are. */
const MOST_CONNECTIONS = 16_384;
/** What is between accept and verdict by default at most. */
const MOST_PENDING = 1_024;
/** Descriptors kept for files, threads, name servers and outgoing connections: a quarter, within these. */
const RESERVE = { least: 64, most: 1_024 };

/**
 * The limits on accepted sockets that leave a process of so many file descriptors enough for all else. Where a
 * process runs out of them nothing of it works: files cannot be read, and the platform ceases to accept.
 *
 * @param descriptors How many files the process may have open.
 * @param chosen What the others follow from, where it is chosen.
 */
export function socketLimitsOf(
  descriptors: number,
  chosen: SocketLimitChoice = {},
): SocketLimits {
  const { connections = connectionsOf(descriptors) } = chosen;
  const { pendingHandshakes = Math.min(MOST_PENDING, atLeastOne(connections / 2)) } = chosen;
  return {
    connections,
    // Half of the handshakes remain for other addresses.
    connectionsPerAddress: atLeastOne(pendingHandshakes / 2),
    connectionsPerIdentity: atLeastOne(connections * 3 / 4),
    pendingHandshakes,
  };
}

/** Limits that others are derived from. */
export interface SocketLimitChoice {
  /** Sockets at once. Default: derived from the descriptors. */
  readonly connections?: number | undefined;
  /** Sockets between accept and verdict. Default: derived from `connections`. */
  readonly pendingHandshakes?: number | undefined;
}

/** The limits of a process with {@linkcode ASSUMED_DESCRIPTORS}. */
export const DEFAULT_SOCKET_LIMITS: SocketLimits = socketLimitsOf(ASSUMED_DESCRIPTORS);

function connectionsOf(descriptors: number): number {
  const reserve = Math.min(Math.max(RESERVE.least, Math.floor(descriptors / 4)), RESERVE.most);
  return Math.min(MOST_CONNECTIONS, atLeastOne(descriptors - reserve));
}

function atLeastOne(count: number): number {
  return Math.max(1, Math.floor(count));
}
