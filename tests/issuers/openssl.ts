import { findTool } from "../foreign/tool.ts";
import { CALLER_NAME, type Held, type Issuer, WORKER_NAME } from "./issuer.ts";
import type { Workshop } from "./workshop.ts";

const tool = { name: "openssl", path: findTool("openssl") };
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Certificates made with `openssl` in the ways that tutorials show. */
export const openssl: readonly Issuer[] = [
  signed("openssl x509 -req, no extensions", () => ""),
  signed("openssl x509 -req, subjectAltName alone", (name) => `subjectAltName=DNS:${name}`),
  signed("openssl x509 -req, the four usages", fourUsages),
  signed("openssl x509 -req, RSASSA-PSS", fourUsages, {
    key: ["-newkey", "rsa:2048", "-nodes"],
    signing: [
      ...["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"],
    ],
  }),
  signed("openssl x509 -req -sha512, an authority on P-521", fourUsages, {
    key: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1", "-nodes"],
    signing: ["-sha512"],
  }),
  {
    name: "openssl ca, usr_cert of the distribution, names copied from the request",
    tool,
    async issue(workshop) {
      await authority(workshop);
      await workshop.write("database", "");
      await workshop.write("serial", "01");
      await workshop.write("ca.conf", CA_CONFIG);
      const certify = async (name: string): Promise<Held> => {
        await request(workshop, name);
        await workshop.run("openssl", [
          ...["ca", "-batch", "-config", "ca.conf", "-notext"],
          ...["-in", `${name}.csr`, "-out", `${name}.pem`],
        ]);
        return await held(workshop, name);
      };
      const worker = await certify(WORKER_NAME);
      return { ca: await workshop.read("ca.pem"), worker, caller: await certify(CALLER_NAME) };
    },
  },
  selfSigned("openssl req -x509, the defaults", []),
  selfSigned("openssl req -x509, CA:FALSE and digitalSignature", [
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-addext", "keyUsage=critical,digitalSignature"],
  ]),
];

/** What Debian's `openssl.cnf` says of `usr_cert`, with a policy and names from the request. */
const CA_CONFIG = `
[ca]
default_ca = team
[team]
dir = .
database = database
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
policy = any
copy_extensions = copy
x509_extensions = usr_cert
[any]
commonName = supplied
[usr_cert]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
`;

function fourUsages(name: string): string {
  return [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth,clientAuth",
    `subjectAltName=DNS:${name}`,
  ].join("\n");
}

/** The authority's key, and how it signs. */
interface Signing {
  readonly key: readonly string[];
  readonly signing: readonly string[];
}

function signed(
  name: string,
  extensions: (host: string) => string,
  by: Signing = { key: KEY, signing: [] },
): Issuer {
  return {
    name,
    tool,
    async issue(workshop) {
      await authority(workshop, by);
      const certify = async (host: string): Promise<Held> => {
        await request(workshop, host);
        await workshop.write(`${host}.ext`, extensions(host));
        await workshop.run("openssl", [
          ...["x509", "-req", "-in", `${host}.csr`, "-out", `${host}.pem`, "-days", "30"],
          ...["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", ...by.signing],
          ...(extensions(host) === "" ? [] : ["-extfile", `${host}.ext`]),
        ]);
        return await held(workshop, host);
      };
      const worker = await certify(WORKER_NAME);
      return { ca: await workshop.read("ca.pem"), worker, caller: await certify(CALLER_NAME) };
    },
  };
}

function selfSigned(name: string, extensions: readonly string[]): Issuer {
  return {
    name,
    tool,
    async issue(workshop) {
      await workshop.run("openssl", [
        ...["req", "-x509", ...KEY, "-days", "30", "-subj", `/CN=${WORKER_NAME}`],
        ...["-addext", `subjectAltName=DNS:${WORKER_NAME}`, ...extensions],
        ...["-keyout", `${WORKER_NAME}.key`, "-out", `${WORKER_NAME}.pem`],
      ]);
      const worker = await held(workshop, WORKER_NAME);
      return { ca: worker.cert, worker };
    },
  };
}

async function authority(
  workshop: Workshop,
  { key, signing }: Signing = { key: KEY, signing: [] },
): Promise<void> {
  await workshop.run("openssl", [
    ...["req", "-x509", ...key, ...signing, "-days", "30", "-subj", "/CN=Team CA"],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  ]);
}

async function request(workshop: Workshop, name: string): Promise<void> {
  await workshop.run("openssl", [
    ...["req", ...KEY, "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
    ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
  ]);
}

async function held(workshop: Workshop, name: string): Promise<Held> {
  return { cert: await workshop.read(`${name}.pem`), key: await workshop.read(`${name}.key`) };
}
