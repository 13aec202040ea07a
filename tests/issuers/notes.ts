/** What the table of issuers says beside what its tests find out, by the name of the row. */
export interface Note {
  /** How a renewed certificate reaches the files that Selvage watches. */
  readonly rotation: string;
  /** What sets it up for Selvage. */
  readonly setUp: readonly string[];
}

const BY_HAND =
  "by hand: a command writes the files one after the other, and a pair that does not fit is not adopted";
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
    rotation: "not tested here",
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
    rotation:
      "the kubelet swaps the `..data` link of the mounted secret: the three files change together",
    setUp: [
      "works as it is; `usages: [digital signature, key encipherment, server auth, client auth]` ends the advice",
      "mount the secret as a folder (no `subPath`, which is never renewed)",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
    ],
  },
  "cert-manager 1.21.2, CA issuer, usages with server auth and client auth": {
    rotation:
      "the kubelet swaps the `..data` link of the mounted secret: the three files change together",
    setUp: [
      "in the Certificate: `usages: [digital signature, key encipherment, server auth, client auth]`",
      "in the Certificate: `dnsNames: [worker.example]` or `uris: [spiffe://example.org/worker]`",
      "--ca /tls/ca.crt --cert /tls/tls.crt --key /tls/tls.key",
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
    rotation: "not tested here",
    setUp: [
      "step ca certificate worker.example worker.pem worker.key",
      "step ca renew --daemon worker.pem worker.key",
      "--ca $(step path)/certs/root_ca.crt --cert worker.pem --key worker.key",
    ],
  },
  "Vault and OpenBao PKI (vault/sdk 0.25.1), settings of a new role": {
    rotation: "not tested here",
    setUp: [
      "vault write pki/roles/worker allowed_domains=worker.example allow_bare_domains=true",
      'template `{{ with pkiCert "pki/issue/worker" "common_name=worker.example" }}{{ .Key }}{{ .Cert }}{{ end }}` to bundle.pem',
      "--ca ca.pem --cert bundle.pem --key bundle.pem",
    ],
  },
  "Kubernetes 1.37.2 signers kubelet-serving and kube-apiserver-client": {
    rotation: "not tested here",
    setUp: [
      "each signer gives one purpose: kubelet-serving for a worker, kube-apiserver-client for a caller",
      "for both roles use a signer of your own with `server auth` and `client auth`",
      "--ca ca.crt --cert tls.crt --key tls.key",
    ],
  },
  "Istio (eed52ebb66ad), istiod's own root": {
    rotation: "not tested here",
    setUp: [
      "--spiffe-socket /var/run/secrets/workload-spiffe-uds/socket, where the socket is offered",
      "--identity spiffe://cluster.local/ns/default/sa/worker",
    ],
  },
  "Istio (eed52ebb66ad), dual use: a common name beside the SPIFFE ID": {
    rotation: "not tested here",
    setUp: [
      "as above; `cn:` patterns are not needed, the SPIFFE ID is the identity",
      "--identity spiffe://cluster.local/ns/default/sa/worker",
    ],
  },
  "Dapr Sentry 1.14.0, its own root": {
    rotation: "not tested here",
    setUp: [
      "--ca ca.crt of the `dapr-trust-bundle` secret",
      "--identity spiffe://public/ns/default/worker",
    ],
  },
  "etcd 3.6.16, --auto-tls": {
    rotation: "not tested here",
    setUp: [
      "not for peers of Selvage: the key is of the curve P-521, which the platform cannot verify",
      "use `--cert-file` and `--key-file` with a certificate of any other row, also for `etcd:https://…` discovery",
    ],
  },
};
