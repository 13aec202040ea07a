import type { IdentityPattern, PeerRole, VerdictMode } from "../identity/mod.ts";
import type { Clock, Observer } from "../observe/mod.ts";
import type { CredentialMaterial } from "./material.ts";

/** Opened credentials: the version in use now, and word of every later one. */
export interface CredentialsSource extends AsyncDisposable {
  /** The version in use now. */
  current(): CredentialMaterial;
  /** Whether there will never be another version. Default: `false`. */
  readonly fixed?: boolean;
  /** Calls `listener` with every version adopted from now on, until the result is disposed of. */
  subscribe(listener: (material: CredentialMaterial) => void): Disposable;
}

/** What credentials are opened with. */
export interface OpenCredentialsOptions {
  /** Where rotations, rejections and expiry are reported. Default: nowhere. */
  readonly observer?: Observer;
  /** The time. Default: the machine's clock. */
  readonly clock?: Clock;
  /**
   * What we are in our connections: a certificate that cannot be used for that is rejected. Default:
   * fitness for either will do.
   */
  readonly role?: PeerRole;
  /** How peers, and our own certificate, are judged. Default `private`. */
  readonly verdict?: VerdictMode;
  /** Who is accepted at the other end; advice is given where our own certificate would be, in both roles. */
  readonly accepts?: readonly IdentityPattern[];
  /** Gives up waiting for the first usable version. Default: none. */
  readonly signal?: AbortSignal;
}
