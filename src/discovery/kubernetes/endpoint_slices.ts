import type { DiscoveredWorker } from "../discovery.ts";

/** The port of the workers: a number, the name of one in the slices, or the only one that they have. */
export type ServicePort = number | string | undefined;

/** What of an EndpointSlice (discovery.k8s.io/v1) is read; all of it is a server's text. */
export interface EndpointSlice {
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
  readonly addressType?: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
}

interface SliceEndpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  };
  readonly targetRef?: { readonly uid?: string };
}

/** What some slices say. */
export interface FoundInSlices {
  /** The workers, by the addresses they are dialled at. */
  readonly workers: ReadonlyMap<string, DiscoveredWorker>;
  /** Why slices cannot be used, one sentence each. */
  readonly unusable: readonly string[];
}

/**
 * The workers of a service's slices: endpoints that are ready, or where none is, those that still serve while
 * they terminate, as kube-proxy chooses them. An unset `ready` is true and an unset `serving` is as `ready`; of
 * an endpoint's addresses the first is used, and of a pod with an IPv4 and an IPv6 one the first that is found.
 */
export function workersOf(slices: Iterable<EndpointSlice>, port: ServicePort): FoundInSlices {
  const ready = new Map<string, DiscoveredWorker>();
  const leaving = new Map<string, DiscoveredWorker>();
  const pods = new Set<string>();
  const unusable: string[] = [];
  const inOrder = [...slices].sort((a, b) => typeOrder(a) - typeOrder(b));
  for (const slice of inOrder) {
    const { addressType, endpoints, metadata } = slice;
    if (addressType !== "IPv4" && addressType !== "IPv6") {
      unusable.push(`slice ${metadata?.name} has addresses of type ${addressType}`);
      continue;
    }
    const number = portOf(slice, port);
    if (number === undefined) {
      if ((endpoints?.length ?? 0) > 0) unusable.push(`slice ${metadata?.name} ${whyNoPort(port)}`);
      continue;
    }
    for (const { addresses, conditions, targetRef } of endpoints ?? []) {
      const [address] = addresses ?? [];
      const isReady = conditions?.ready ?? true;
      const serves = conditions?.serving ?? isReady;
      if (address === undefined || !(isReady || serves && conditions?.terminating === true)) {
        continue;
      }
      if (targetRef?.uid !== undefined) {
        if (pods.has(targetRef.uid)) continue;
        pods.add(targetRef.uid);
      }
      const at = addressType === "IPv6" ? `[${address}]:${number}` : `${address}:${number}`;
      (isReady ? ready : leaving).set(at, { address: at });
    }
  }
  return { workers: ready.size > 0 ? ready : leaving, unusable };
}

function typeOrder({ addressType }: EndpointSlice): number {
  return addressType === "IPv4" ? 0 : 1;
}

function portOf({ ports }: EndpointSlice, wanted: ServicePort): number | undefined {
  if (typeof wanted === "number") return wanted;
  const numbered = (ports ?? []).filter(({ port }) => port !== undefined && port !== null);
  if (wanted !== undefined) return numbered.find(({ name }) => name === wanted)?.port;
  return numbered.length === 1 ? numbered[0]!.port : undefined;
}

function whyNoPort(port: ServicePort): string {
  return port === undefined
    ? "has not exactly one port: name one, k8s:NAMESPACE/SERVICE:PORT"
    : `has no port of the name ${JSON.stringify(port)}`;
}
