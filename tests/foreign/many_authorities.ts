import { rootCertificates } from "node:tls";
import { createAuthority } from "../../src/credentials/mod.ts";
import { type EchoWorker, startEchoWorker } from "./ground.ts";

/** What a foreign client program needs to call a worker. */
export type ClientConfig = EchoWorker["config"];

/** A worker that trusts many authorities, and a client of one of them. */
export interface ManyAuthorities {
  /** How many, and of which kind. */
  readonly name: string;
  /** Starts the worker. */
  start(): Promise<EchoWorker>;
  /** The configuration of its client. */
  client(served: EchoWorker): ClientConfig;
}

const ROOTS = 150;
const DOMAINS = 30;

/** The public roots that the platform brings, filled up where it brings fewer. */
const publicRoots = [
  ...rootCertificates,
  ...Array.from({ length: ROOTS - rootCertificates.length }, () => createAuthority().certPem),
].slice(0, ROOTS);

const authorities = new Map(
  Array.from({ length: DOMAINS }, (_, n) => [`domain-${n}.example`, createAuthority()]),
);
/** The domain whose client calls: the last one. */
const [domain = "", authority = createAuthority()] = [...authorities].at(-1) ?? [];
const CLIENT = `spiffe://${domain}/client`;

/** A bundle of public roots beside our own authority, and a federation of trust domains. */
export const manyAuthorities: readonly ManyAuthorities[] = [
  {
    name: `${ROOTS} public roots`,
    start: () => startEchoWorker({ alsoTrusts: publicRoots }),
    client: ({ config }) => config,
  },
  {
    name: `a federation of ${DOMAINS} trust domains`,
    start: () =>
      startEchoWorker({
        federatedWith: Object.fromEntries(
          [...authorities].map(([name, one]) => [name, one.certPem]),
        ),
        allow: CLIENT,
      }),
    client({ config }) {
      const { certPem: cert, keyPem: key } = authority.issue({ name: "client", spiffe: CLIENT });
      return { ...config, cert, key };
    },
  },
];
