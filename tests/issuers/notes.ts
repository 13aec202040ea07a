/** What the table of issuers says beside what its tests find out, by the name of the row. */
export interface Note {
  /** How a renewed certificate reaches the files that Selvage watches. */
  readonly rotation: string;
  /** What sets it up for Selvage. */
  readonly setUp: readonly string[];
}

const BY_HAND =
  "by hand: a command writes the files one after the other, and a pair that does not fit is not adopted";
const KUBELET =
  "the kubelet swaps the `..data` link of what is mounted (below): the files change together";
const FLAGS = "--ca ca.pem --cert worker.pem --key worker.key";

/** By the name of the issuer. */
export const notes: Readonly<Record<string, Note>> = {
  "openssl x509 -req, no extensions": {
    rotation: BY_HAND,
    setUp: [
      "printf 'subjectAltName=DNS:worker.example\\nkeyUsage=critical,digitalSignature\\nextendedKeyUsage=serverAuth,clientAuth\\n' > worker.ext",
      "openssl x509 -req -in worker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile worker.ext -out worker.pem",
      FLAGS,
    ],
  },
  "openssl x509 -req, subjectAltName alone": {
    rotation: BY_HAND,
    setUp: [
      "printf 'subjectAltName=DNS:worker.example\\n' > worker.ext",
      "openssl x509 -req -in worker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile worker.ext -out worker.pem",
      FLAGS,
    ],
  },
  "openssl x509 -req, the four usages": {
    rotation: BY_HAND,
    setUp: [
      "printf 'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\nextendedKeyUsage=serverAuth,clientAuth\\nsubjectAltName=DNS:worker.example\\n' > worker.ext",
      "openssl x509 -req -in worker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile worker.ext -out worker.pem",
      FLAGS,
    ],
  },
  "openssl x509 -req, RSASSA-PSS": {
    rotation: BY_HAND,
    setUp: [
      "worker.ext as in the row above",
      "openssl x509 -req -in worker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -days 30 -extfile worker.ext -out worker.pem",
      FLAGS,
    ],
  },
  "openssl x509 -req -sha512, an authority on P-521": {
    rotation: BY_HAND,
    setUp: [
      "worker.ext as in the rows above",
      "openssl x509 -req -in worker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha512 -days 30 -extfile worker.ext -out worker.pem",
      FLAGS,
    ],
  },
  "openssl ca, usr_cert of the distribution, names copied from the request": {
    rotation: BY_HAND,
    setUp: [
      "in the `[CA_default]` section: `copy_extensions = copy`, so that the names of the request are kept",
      "openssl ca -batch -notext -in worker.csr -out worker.pem",
      FLAGS,
    ],
  },
  "openssl req -x509, the defaults": {
    rotation: BY_HAND,
    setUp: [
      "not as it is: add `-addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature`",
      "the row below shows the result",
    ],
  },
  "openssl req -x509, CA:FALSE and digitalSignature": {
    rotation: BY_HAND,
    setUp: [
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=worker.example -addext subjectAltName=DNS:worker.example -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature -keyout worker.key -out worker.pem",
      "peers pin it: `--ca worker.pem` at both ends",
      "--ca worker.pem --cert worker.pem --key worker.key",
    ],
  },
  "easy-rsa": {
    rotation: BY_HAND,
    setUp: [
      "easyrsa --subject-alt-name=DNS:worker.example build-server-full worker.example nopass",
      "easyrsa --subject-alt-name=DNS:caller.example build-client-full caller.example nopass",
      "--ca pki/ca.crt --cert pki/issued/worker.example.crt --key pki/private/worker.example.key",
    ],
  },
  certtool: {
    rotation: BY_HAND,
    setUp: [
      'in the template: `dns_name = "worker.example"`, `signing_key`, `tls_www_server`, `tls_www_client`',
      "certtool --generate-certificate --load-privkey worker.key --load-ca-certificate ca.pem --load-ca-privkey ca.key --template worker.template --outfile worker.pem",
      FLAGS,
    ],
  },
  mkcert: {
    rotation: BY_HAND,
    setUp: [
      "mkcert -client -cert-file worker.pem -key-file worker.key worker.example",
      "mkcert -client -cert-file caller.pem -key-file caller.key caller.example",
      '--ca "$(mkcert -CAROOT)/rootCA.pem" --cert worker.pem --key worker.key',
    ],
  },
  cfssl: {
    rotation: BY_HAND,
    setUp: [
      'in the request: `"hosts": ["worker.example"]`, `"key": {"algo": "ecdsa", "size": 256}`',
      "cfssl gencert -ca ca.pem -ca-key ca-key.pem worker.json | cfssljson -bare worker",
      "--ca ca.pem --cert worker.pem --key worker-key.pem",
    ],
  },
  "Caddy, tls internal": {
    rotation:
      "its storage takes the key, then the certificate, each a file that is renamed over the one before (certmagic, below); the root's file stays",
    setUp: [
      "in the Caddyfile: `worker.example { tls internal }`",
      "--ca …/pki/authorities/local/root.crt",
      "--cert …/certificates/local/worker.example/worker.example.crt --key …/worker.example.key",
    ],
  },
  "keytool -gencert, a subjectAltName added": {
    rotation: BY_HAND,
    setUp: [
      "keytool -gencert -alias ca -keystore ca.p12 -rfc -ext san=dns:worker.example -ext ku:c=digitalSignature -ext eku=serverAuth,clientAuth",
      "openssl pkcs12 -in worker.p12 -nocerts -nodes -out worker.key",
      FLAGS,
    ],
  },
  "node-forge 1.4.3": {
    rotation: "by the program that calls it: write to a temporary file and rename it",
    setUp: [
      "setExtensions([{ name: 'keyUsage', digitalSignature: true }, { name: 'extKeyUsage', serverAuth: true, clientAuth: true }, { name: 'subjectAltName', altNames: [{ type: 2, value: 'worker.example' }] }])",
      FLAGS,
    ],
  },
  "trustme 1.2.1": {
    rotation: "none: it makes certificates for tests",
    setUp: [
      'ca.issue_cert("worker.example").private_key_and_cert_chain_pem.write_to_path("worker.pem")',
      "--ca ca.pem --cert worker.pem --key worker.pem",
    ],
  },
  "Python cryptography 50.0.2, as its tutorial": {
    rotation: "by the program that calls it: write to a temporary file and rename it",
    setUp: [
      "`.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)` is enough",
      "better also `x509.KeyUsage(digital_signature=True, …)` and `x509.ExtendedKeyUsage([SERVER_AUTH, CLIENT_AUTH])`",
      FLAGS,
    ],
  },
  "rcgen 0.14.10": {
    rotation: "by the program that calls it: write to a temporary file and rename it",
    setUp: [
      "params.key_usages = vec![KeyUsagePurpose::DigitalSignature];",
      "params.extended_key_usages = vec![ServerAuth, ClientAuth]; params.not_after = …;",
      FLAGS,
    ],
  },
  "cert-manager 1.21.2, CA issuer, default usages": {
    rotation: KUBELET,
    setUp: [
      "works as it is; `usages: [digital signature, key encipherment, server auth, client auth]` ends the advice",
      "mount the secret as a folder (no `subPath`, which is never renewed)",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "cert-manager 1.21.2, CA issuer, usages with server auth and client auth": {
    rotation: KUBELET,
    setUp: [
      "in the Certificate: `usages: [digital signature, key encipherment, server auth, client auth]`",
      "in the Certificate: `dnsNames: [worker.example]` or `uris: [spiffe://example.org/worker]`",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "cert-manager 1.21.2, CA issuer below another": {
    rotation: KUBELET,
    setUp: [
      "as above: `tls.crt` holds the leaf and the issuer's own certificate, `ca.crt` the root",
      "an issuer whose secret has no `ca.crt` puts its own certificate there, which is an anchor like any other",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "cert-manager csi-driver 0.12.0, a volume that asks for one name": {
    rotation: "by the atomic writer of csi-lib (below): the files change together",
    setUp: [
      "in the volume's attributes: `csi.cert-manager.io/dns-names: worker.example`, the issuer's name and kind",
      "`csi.cert-manager.io/key-usages: digital signature,key encipherment,server auth,client auth` ends the advice",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "trust-manager 0.25.0, a Bundle of cert-manager's root and of the one before": {
    rotation:
      `${KUBELET}; the target holds every certificate once, sorted by its SHA-256, without text around them`,
    setUp: [
      "in the Bundle: `sources` with the secret or config map of each root, `target: { configMap: { key: ca.pem } }`",
      "mount the config map as a folder",
      "--ca /trust/ca.pem --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "minica 1.1.0": {
    rotation: "none: it refuses to replace a folder; remove the folder and run it again",
    setUp: [
      "minica -domains worker.example",
      "minica -domains caller.example",
      "--ca minica.pem --cert worker.example/cert.pem --key worker.example/key.pem",
    ],
  },
  "certstrap 1.3.0": {
    rotation: BY_HAND,
    setUp: [
      'certstrap init --common-name "Team CA"',
      'certstrap request-cert --domain worker.example && certstrap sign worker.example --CA "Team CA"',
      "--ca out/Team_CA.crt --cert out/worker.example.crt --key out/worker.example.key",
    ],
  },
  "step CLI and step-ca (go.step.sm/crypto 0.92.0), default template": {
    rotation:
      "by its reference (smallstep.com/docs/step-cli/reference/ca/renew) `step ca renew` keeps the key and overwrites the certificate's file; the command itself was not run, for the Go module proxy does not serve github.com/smallstep/cli",
    setUp: [
      "step ca certificate worker.example worker.pem worker.key",
      "step ca renew --daemon worker.pem worker.key",
      "--ca $(step path)/certs/root_ca.crt --cert worker.pem --key worker.key",
    ],
  },
  "Vault PKI (vault/sdk 0.25.1), settings of a new role": {
    rotation:
      "its agent's templates, by the renderer of consul-template (below): one file with key and certificate changes as one",
    setUp: [
      "vault write pki/roles/worker allowed_domains=worker.example allow_bare_domains=true",
      'template `{{ with pkiCert "pki/issue/worker" "common_name=worker.example" }}{{ .Key }}{{ .Cert }}{{ end }}` to bundle.pem',
      "--ca ca.pem --cert bundle.pem --key bundle.pem",
    ],
  },
  "OpenBao 2.4.0 PKI, settings of a new role": {
    rotation:
      "its agent's templates; the renderer is github.com/openbao/openbao-template, a fork of the one below, and was not run",
    setUp: [
      "bao write pki/roles/worker allowed_domains=worker.example allow_bare_domains=true",
      'template `{{ with pkiCert "pki/issue/worker" "common_name=worker.example" }}{{ .Key }}{{ .Cert }}{{ end }}` to bundle.pem',
      "--ca ca.pem --cert bundle.pem --key bundle.pem",
    ],
  },
  "Kubernetes 1.37.2 signers kubelet-serving and kube-apiserver-client": {
    rotation:
      "the kubelet writes its own into one file, key beside certificate, to which the link `kubelet-server-current.pem` is turned (below); what is mounted into pods is swapped by its atomic writer",
    setUp: [
      "each signer gives one purpose: kubelet-serving for a worker, kube-apiserver-client for a caller",
      "for both roles use a signer of your own with `server auth` and `client auth`",
      "--ca ca.crt --cert tls.crt --key tls.key",
    ],
  },
  "Istio (eed52ebb66ad), istiod's own root": {
    rotation:
      "over the socket; with `OUTPUT_CERTS` the agent writes key.pem, cert-chain.pem and root-cert.pem in this order, each renamed over the one before (below)",
    setUp: [
      "--spiffe-socket /var/run/secrets/workload-spiffe-uds/socket, where the socket is offered",
      "--identity spiffe://cluster.local/ns/default/sa/worker",
    ],
  },
  "Istio (eed52ebb66ad), dual use: a common name beside the SPIFFE ID": {
    rotation: "as above",
    setUp: [
      "as above; `cn:` patterns are not needed, the SPIFFE ID is the identity",
      "--identity spiffe://cluster.local/ns/default/sa/worker",
    ],
  },
  "Dapr Sentry 1.14.0, its own root": {
    rotation:
      "no files: daprd holds its certificate in memory (crypto/spiffe of github.com/dapr/kit writes none)",
    setUp: [
      "--ca ca.crt of the `dapr-trust-bundle` secret",
      "--identity spiffe://public/ns/default/worker",
    ],
  },
  "Linkerd (5535e9c4edda), the root that `linkerd install` makes": {
    rotation:
      "no files: the proxy holds its certificate in memory, and asks for the next by itself",
    setUp: [
      "for a peer of Selvage outside of the mesh's proxies; inside, the proxies speak mutual TLS to each other",
      "--ca ca.crt of the secret or config map with the trust anchors",
      "deny by name or key: its serial numbers begin at 1 with every start of its identity service (`findings/linkerd_serial_numbers.sh`)",
      "--identity worker.default.serviceaccount.identity.linkerd.cluster.local",
    ],
  },
  "Kuma 1.8.1, a mesh's built-in authority, by the service's tag": {
    rotation: "no files: the control plane sends key and certificate to Envoy alone",
    setUp: [
      "for a peer of Selvage outside of the mesh's proxies",
      "--identity uri:kuma://kuma.io/service/worker",
    ],
  },
  "Kuma 1.8.1, a mesh's built-in authority, by its SPIFFE ID": {
    rotation: "as above",
    setUp: [
      "not by its SPIFFE ID: beside it stands a name `kuma://TAG/VALUE` for every tag, and X509-SVID §2 allows one URI",
      "the row above shows what to expect instead",
    ],
  },
  "Consul 1.8.7 Connect, its built-in authority": {
    rotation:
      "no files: the agent gives leaves over its API; consul-template's `caLeaf` and `caRoots` write them (its renderer: below)",
    setUp: [
      'templates `{{ with caLeaf "worker" }}{{ .PrivateKeyPEM }}{{ .CertPEM }}{{ end }}` and `{{ range caRoots }}{{ .RootCertPEM }}{{ end }}`',
      "--ca roots.pem --cert leaf.pem --key leaf.pem",
      "--identity spiffe://CLUSTER.consul/ns/default/dc/dc1/svc/worker",
    ],
  },
  "Consul 1.8.7, consul tls cert create -server": {
    rotation: "by hand: the command numbers its files and replaces none",
    setUp: [
      "consul tls ca create",
      "consul tls cert create -server -additional-dnsname worker.example",
      "--ca consul-agent-ca.pem --cert dc1-server-consul-0.pem --key dc1-server-consul-0-key.pem",
    ],
  },
  "SPIRE 1.13.3, its own root": {
    rotation: "no files: renewals come over the Workload API (`deno task test:spire`)",
    setUp: [
      "spire-server entry create -parentID … -spiffeID spiffe://example.org/worker -selector unix:path:/usr/bin/deno",
      "--spiffe-socket /run/spire/agent/public/api.sock",
      "--identity spiffe://example.org/worker",
    ],
  },
  "SPIRE 1.13.3, upstream authority `disk`": {
    rotation: "no files: renewals come over the Workload API",
    setUp: [
      "as above; the bundle holds the upstream root, here one of ours without a SPIFFE ID",
      "SPIRE's own certificate, which bears `spiffe://example.org`, comes with every SVID; an end of another trust domain gives the root as `--ca example.org=FILE`",
      "--spiffe-socket /run/spire/agent/public/api.sock",
    ],
  },
  "spiffe-helper 0.11.0, SVIDs of SPIRE 1.13.3": {
    rotation:
      "it overwrites SVID, key and bundle in place, in this order (below); a pair that does not fit is waited for",
    setUp: [
      'svid_file_name = "svid.pem", svid_key_file_name = "svid_key.pem", svid_bundle_file_name = "svid_bundle.pem"',
      "without `include_federated_domains`, which puts the roots of all domains into one file: give each as `--ca other.org=FILE`",
      "--ca svid_bundle.pem --cert svid.pem --key svid_key.pem",
    ],
  },
  "etcd 3.6.16, --auto-tls": {
    rotation:
      "never: files that are there are used again at every start (SelfCert of go.etcd.io/etcd/client/pkg/v3/transport), until they are removed",
    setUp: [
      "not for peers of Selvage: the certificate is an authority's, so that its key could issue others",
      "use `--cert-file` and `--key-file` with a certificate of any other row, also for `etcd:https://…` discovery",
    ],
  },
};
