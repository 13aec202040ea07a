/** How each issuer's certificates are judged, by the name of its row: held by the tests, printed in the table. */
export interface Outcome {
  /** `accepted`, or the rule that refuses it as a worker's. */
  readonly asWorker: string;
  /** `accepted`, or the rule that refuses it as a caller's. */
  readonly asCaller: string;
  /** The advice on the worker's certificate and on its authority, by rule; that on its age apart. */
  readonly advice: readonly string[];
  /** Whose setting each piece of advice names, where the certificates show who made them. */
  readonly settingsOf?: string;
}

const ACCEPTED = { asWorker: "accepted", asCaller: "accepted" } as const;

/** By the name of the issuer. */
export const outcomes: Readonly<Record<string, Outcome>> = {
  "openssl x509 -req, no extensions": {
    asWorker: "refused at the start: cert: block 1: it is X.509 v1, not v3",
    asCaller: "refused at the start: cert: block 1: it is X.509 v1, not v3",
    advice: [],
  },
  "openssl x509 -req, subjectAltName alone": {
    ...ACCEPTED,
    advice: ["leaf.key-usage", "leaf.purpose"],
  },
  "openssl x509 -req, the four usages": { ...ACCEPTED, advice: [] },
  "openssl x509 -req, RSASSA-PSS": { ...ACCEPTED, advice: [] },
  "openssl x509 -req -sha512, an authority on P-521": { ...ACCEPTED, advice: [] },
  "openssl ca, usr_cert of the distribution, names copied from the request": {
    ...ACCEPTED,
    advice: ["leaf.key-usage", "leaf.purpose"],
  },
  "openssl req -x509, the defaults": {
    asWorker: "certificate-unsuitable: leaf.authority",
    asCaller: "own-certificate-invalid: own.unsuitable",
    advice: ["leaf.key-usage", "leaf.purpose"],
  },
  "openssl req -x509, CA:FALSE and digitalSignature": {
    ...ACCEPTED,
    advice: ["leaf.purpose"],
  },
  "easy-rsa": {
    ...ACCEPTED,
    settingsOf: "easy-rsa",
    advice: [
      "leaf.lifetime",
      "authority.basic-constraints",
      "authority.key-identifier",
    ],
  },
  "certtool": { ...ACCEPTED, advice: [] },
  "mkcert": { ...ACCEPTED, settingsOf: "mkcert", advice: ["leaf.lifetime"] },
  "cfssl": { ...ACCEPTED, advice: [] },
  "Caddy, tls internal": { ...ACCEPTED, advice: [] },
  "keytool -gencert, a subjectAltName added": {
    ...ACCEPTED,
    advice: ["leaf.key-usage", "leaf.purpose"],
  },
  "node-forge 1.4.3": {
    ...ACCEPTED,
    advice: [
      "leaf.key-identifier",
      "authority.key-identifier",
      "authority.basic-constraints",
    ],
  },
  "trustme 1.2.1": {
    ...ACCEPTED,
    settingsOf: "trustme",
    advice: ["san.critical", "leaf.critical-purpose", "leaf.lifetime"],
  },
  "Python cryptography 50.0.2, as its tutorial": {
    ...ACCEPTED,
    advice: [
      "leaf.key-usage",
      "leaf.purpose",
      "leaf.key-identifier",
      "authority.key-identifier",
    ],
  },
  "rcgen 0.14.10": {
    ...ACCEPTED,
    settingsOf: "rcgen",
    advice: ["leaf.key-usage", "leaf.purpose", "leaf.key-identifier", "leaf.lifetime"],
  },
  "cert-manager 1.21.2, CA issuer, default usages": {
    ...ACCEPTED,
    settingsOf: "cert-manager",
    advice: ["leaf.purpose"],
  },
  "cert-manager 1.21.2, CA issuer, usages with server auth and client auth": {
    ...ACCEPTED,
    advice: [],
  },
  "cert-manager 1.21.2, CA issuer below another": {
    ...ACCEPTED,
    settingsOf: "cert-manager",
    advice: ["leaf.purpose"],
  },
  "cert-manager csi-driver 0.12.0, a volume that asks for one name": {
    ...ACCEPTED,
    settingsOf: "cert-manager",
    advice: ["leaf.purpose"],
  },
  "trust-manager 0.25.0, a Bundle of cert-manager's root and of the one before": {
    ...ACCEPTED,
    settingsOf: "cert-manager",
    advice: ["leaf.purpose"],
  },
  "minica 1.1.0": {
    asWorker: "accepted",
    asCaller: "accepted",
    settingsOf: "minica",
    advice: ["leaf.lifetime", "authority.purpose"],
  },
  "certstrap 1.3.0": { asWorker: "accepted", asCaller: "accepted", advice: ["leaf.lifetime"] },
  "step CLI and step-ca (go.step.sm/crypto 0.92.0), default template": {
    ...ACCEPTED,
    advice: [],
  },
  "Vault PKI (vault/sdk 0.25.1), settings of a new role": { ...ACCEPTED, advice: [] },
  "OpenBao 2.4.0 PKI, settings of a new role": { ...ACCEPTED, advice: [] },
  "Kubernetes 1.37.2 signers kubelet-serving and kube-apiserver-client": {
    ...ACCEPTED,
    advice: [],
  },
  "Istio (eed52ebb66ad), istiod's own root": { ...ACCEPTED, advice: [] },
  "Istio (eed52ebb66ad), dual use: a common name beside the SPIFFE ID": {
    ...ACCEPTED,
    settingsOf: "istio",
    advice: ["san.critical"],
  },
  "Dapr Sentry 1.14.0, its own root": {
    ...ACCEPTED,
    settingsOf: "dapr",
    advice: ["authority.key-identifier"],
  },
  "Linkerd (5535e9c4edda), the root that `linkerd install` makes": {
    ...ACCEPTED,
    advice: ["authority.purpose"],
  },
  "Kuma 1.8.1, a mesh's built-in authority, by the service's tag": {
    ...ACCEPTED,
    advice: ["san.several-uris"],
  },
  "Kuma 1.8.1, a mesh's built-in authority, by its SPIFFE ID": {
    asWorker: "certificate-unsuitable: san.several-uris",
    asCaller: "certificate-unsuitable",
    advice: ["san.several-uris"],
  },
  "Consul 1.8.7 Connect, its built-in authority": { ...ACCEPTED, advice: [] },
  "Consul 1.8.7, consul tls cert create -server": { ...ACCEPTED, advice: [] },
  "SPIRE 1.13.3, its own root": { ...ACCEPTED, advice: [] },
  "SPIRE 1.13.3, upstream authority `disk`": { ...ACCEPTED, advice: [] },
  "spiffe-helper 0.11.0, SVIDs of SPIRE 1.13.3": { ...ACCEPTED, advice: [] },
  "etcd 3.6.16, --auto-tls": {
    asWorker: "certificate-unsuitable: leaf.authority",
    asCaller: "own-certificate-invalid: own.unsuitable",
    advice: [],
  },
};
