import { WORKER_NAME, WORKER_SPIFFE } from "./issuer.ts";
import type { Expected } from "./take.ts";

/** Who is expected of the issuer of that row: meshes name workloads by SPIFFE IDs in a trust domain of their own. */
export function expectedOf(name: string): Expected {
  const [mesh] = Object.keys(MESHES).filter((one) => name.startsWith(one));
  if (mesh !== undefined) return MESHES[mesh]!;
  return { worker: WORKER_NAME, caller: "*", domain: "spiffe://example.org" };
}

/** The trust domain of the cluster in `go/consul`. */
const CLUSTER = "11111111-2222-3333-4444-555555555555.consul";

const SPIRE: Expected = {
  worker: WORKER_SPIFFE,
  caller: "spiffe://example.org/caller",
  domain: "spiffe://example.org",
};

const MESHES: Readonly<Record<string, Expected>> = {
  "Istio": {
    worker: "spiffe://cluster.local/ns/default/sa/worker",
    caller: "spiffe://cluster.local/ns/default/sa/caller",
    domain: "spiffe://cluster.local",
  },
  "Consul 1.8.7 Connect": {
    worker: `spiffe://${CLUSTER}/ns/default/dc/dc1/svc/worker`,
    caller: `spiffe://${CLUSTER}/ns/default/dc/dc1/svc/caller`,
    domain: `spiffe://${CLUSTER}`,
  },
  "SPIRE": SPIRE,
  "spiffe-helper": SPIRE,
  "Linkerd": {
    worker: "worker.default.serviceaccount.identity.linkerd.cluster.local",
    caller: "caller.default.serviceaccount.identity.linkerd.cluster.local",
    domain: "spiffe://example.org",
  },
  "Kuma 1.8.1, a mesh's built-in authority, by the service's tag": {
    worker: "uri:kuma://kuma.io/service/worker",
    caller: "uri:kuma://kuma.io/service/caller",
    domain: "spiffe://default",
  },
  "Kuma 1.8.1, a mesh's built-in authority, by its SPIFFE ID": {
    worker: "spiffe://default/worker",
    caller: "spiffe://default/caller",
    domain: "spiffe://default",
  },
  "Dapr": {
    worker: "spiffe://public/ns/default/worker",
    caller: "spiffe://public/ns/default/caller",
    domain: "spiffe://public",
  },
};
