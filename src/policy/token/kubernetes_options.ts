import type { TokenRequirement } from "./authenticator.ts";
import type { KeySetOptions } from "./key_settings.ts";

/** Which service accounts of a Kubernetes cluster are accepted, and by whose keys their tokens are verified. */
export interface KubernetesServiceAccountOptions extends Partial<KeySetOptions> {
  /**
   * Whom the tokens are for: the `audience` of the callers' projected volume, such as `math-pool`. It must not be
   * an audience of the API server: a token for that would let this worker act as its caller there.
   */
  readonly audience: string | readonly string[];
  /** The cluster's issuer: what `--service-account-issuer` of the API server says, an `https` URL. */
  readonly issuer: string;
  /**
   * The service accounts that are accepted, `NAMESPACE/NAME`, where `*` as a name stands for every one of the
   * namespace. Default: every one of the cluster; a policy then decides by `claims`.
   */
  readonly serviceAccounts?: readonly string[];
  /** What a call must show. Default: `token`. */
  readonly require?: TokenRequirement;
  /** How far the clocks of cluster and worker may differ, in seconds, at most 300. Default 30. */
  readonly clockToleranceS?: number;
}
