import { fileURLToPath } from "node:url";
import type { Tool } from "../foreign/tool.ts";
import { CALLER_NAME, type Held, type Issued, type Issuer, WORKER_NAME } from "./issuer.ts";
import type { Workshop } from "./workshop.ts";

/** Where `scripts/install_issuers.ts` puts them. */
export const FOLDER: string = fileURLToPath(new URL("../../.selvage/issuers", import.meta.url));
const ISSUE_PY = fileURLToPath(new URL("./python/issue.py", import.meta.url));

/** Issuers from PyPI and crates.io. */
export const packaged: readonly Issuer[] = [
  {
    name: "trustme 1.2.1",
    tool: installed("trustme", "python/bin/python"),
    issue: (workshop) => issueAs(workshop, "python/bin/python", [ISSUE_PY, "trustme"]),
  },
  {
    name: "Python cryptography 50.0.2, as its tutorial",
    tool: installed("cryptography", "python/bin/python"),
    issue: (workshop) => issueAs(workshop, "python/bin/python", [ISSUE_PY, "cryptography"]),
  },
  {
    name: "rcgen 0.14.10",
    tool: installed("rcgen", "rcgen"),
    issue: (workshop) => issueAs(workshop, "rcgen", []),
  },
];

/** Issuers whose own code is a Go module. */
export const modules: readonly Issuer[] = [
  {
    name: "cert-manager 1.21.2, CA issuer, default usages",
    tool: installed("cert-manager", "cert_manager"),
    issue: (workshop) => issueAs(workshop, "cert_manager", []),
  },
  {
    name: "cert-manager 1.21.2, CA issuer, usages with server auth and client auth",
    tool: installed("cert-manager", "cert_manager"),
    async issue(workshop) {
      const names = [WORKER_NAME, CALLER_NAME].map((name) => `four:${name}`);
      await workshop.run(`${FOLDER}/cert_manager`, [".", ...names]);
      return await issued(workshop, WORKER_NAME, CALLER_NAME);
    },
  },
  {
    name: "cert-manager 1.21.2, CA issuer below another",
    tool: installed("cert-manager", "cert_manager"),
    async issue(workshop) {
      const names = [WORKER_NAME, CALLER_NAME].map((name) => `below:${name}`);
      await workshop.run(`${FOLDER}/cert_manager`, [".", ...names]);
      return await issued(workshop, WORKER_NAME, CALLER_NAME);
    },
  },
  {
    name: "cert-manager csi-driver 0.12.0, a volume that asks for one name",
    tool: installed("csi-driver", "csi_driver"),
    issue: (workshop) => issueAs(workshop, "csi_driver", []),
  },
  {
    name: "trust-manager 0.25.0, a Bundle of cert-manager's root and of the one before",
    tool: installed("trust-manager", "trust_manager"),
    async issue(workshop) {
      const { ca: before } = await issueAs(workshop, "cert_manager", []);
      const made = await issueAs(workshop, "cert_manager", []);
      const input = [before, made.ca, "# the same once more", made.ca].join("\n");
      await workshop.run(`${FOLDER}/trust_manager`, ["."], { input });
      return { ...made, ca: await workshop.read("ca.pem") };
    },
  },
  {
    name: "minica 1.1.0",
    tool: installed("minica", "minica"),
    async issue(workshop) {
      const certify = async (name: string): Promise<Held> => {
        await workshop.run(`${FOLDER}/minica`, ["-domains", name]);
        return await held(workshop, `${name}/cert`, `${name}/key`);
      };
      const [worker, caller] = [await certify(WORKER_NAME), await certify(CALLER_NAME)];
      return { ca: await workshop.read("minica.pem"), worker, caller };
    },
  },
  {
    name: "certstrap 1.3.0",
    tool: installed("certstrap", "certstrap"),
    async issue(workshop) {
      const run = (...args: string[]) => workshop.run(`${FOLDER}/certstrap`, args);
      await run("init", "--common-name", "Team CA", "--passphrase", "");
      const certify = async (name: string): Promise<Held> => {
        await run("request-cert", "--domain", name, "--passphrase", "");
        await run("sign", name, "--CA", "Team CA");
        return {
          cert: await workshop.read(`out/${name}.crt`),
          key: await workshop.read(`out/${name}.key`),
        };
      };
      const [worker, caller] = [await certify(WORKER_NAME), await certify(CALLER_NAME)];
      return { ca: await workshop.read("out/Team_CA.crt"), worker, caller };
    },
  },
  {
    name: "step CLI and step-ca (go.step.sm/crypto 0.92.0), default template",
    tool: installed("step", "step"),
    issue: (workshop) => issueAs(workshop, "step", []),
  },
  {
    name: "Vault PKI (vault/sdk 0.25.1), settings of a new role",
    tool: installed("vault/sdk", "vault_sdk"),
    issue: (workshop) => issueAs(workshop, "vault_sdk", []),
  },
  {
    name: "OpenBao 2.4.0 PKI, settings of a new role",
    tool: installed("openbao", "openbao"),
    issue: (workshop) => issueAs(workshop, "openbao", []),
  },
  {
    name: "Kubernetes 1.37.2 signers kubelet-serving and kube-apiserver-client",
    tool: installed("kubernetes", "kubernetes"),
    issue: (workshop) => issueAs(workshop, "kubernetes", []),
  },
  {
    name: "Istio (eed52ebb66ad), istiod's own root",
    tool: installed("istio", "istio"),
    issue: (workshop) =>
      mesh(workshop, "istio", ["plain"], "spiffe://cluster.local/ns/default/sa/"),
  },
  {
    name: "Istio (eed52ebb66ad), dual use: a common name beside the SPIFFE ID",
    tool: installed("istio", "istio"),
    issue: (workshop) => mesh(workshop, "istio", ["dual"], "spiffe://cluster.local/ns/default/sa/"),
  },
  {
    name: "Dapr Sentry 1.14.0, its own root",
    tool: installed("dapr", "dapr"),
    issue: (workshop) => mesh(workshop, "dapr", [], ""),
  },
  {
    name: "Linkerd (5535e9c4edda), the root that `linkerd install` makes",
    tool: installed("linkerd", "linkerd"),
    issue: (workshop) => mesh(workshop, "linkerd", [], ""),
  },
  {
    name: "Kuma 1.8.1, a mesh's built-in authority, by the service's tag",
    tool: installed("kuma", "kuma"),
    issue: (workshop) => mesh(workshop, "kuma", [], ""),
  },
  {
    name: "Kuma 1.8.1, a mesh's built-in authority, by its SPIFFE ID",
    tool: installed("kuma", "kuma"),
    issue: (workshop) => mesh(workshop, "kuma", [], ""),
  },
  {
    name: "Consul 1.8.7 Connect, its built-in authority",
    tool: installed("consul", "consul"),
    issue: (workshop) => mesh(workshop, "consul", ["connect"], ""),
  },
  {
    name: "Consul 1.8.7, consul tls cert create -server",
    tool: installed("consul", "consul"),
    async issue(workshop) {
      await workshop.run(`${FOLDER}/consul`, [".", "agent", WORKER_NAME, CALLER_NAME]);
      return await issued(workshop, WORKER_NAME, CALLER_NAME);
    },
  },
  {
    name: "etcd 3.6.16, --auto-tls",
    tool: installed("etcd", "etcd"),
    async issue(workshop) {
      await workshop.run(`${FOLDER}/etcd`, [".", WORKER_NAME]);
      const worker = await held(workshop, WORKER_NAME);
      return { ca: worker.cert, worker };
    },
  },
];

/** Has a program make certificates for both names. */
async function issueAs(
  workshop: Workshop,
  program: string,
  args: readonly string[],
): Promise<Issued> {
  await workshop.run(`${FOLDER}/${program}`, [...args, ".", WORKER_NAME, CALLER_NAME]);
  return await issued(workshop, WORKER_NAME, CALLER_NAME);
}

/** Has a mesh's authority make certificates for two service accounts. */
async function mesh(
  workshop: Workshop,
  program: string,
  args: readonly string[],
  prefix: string,
): Promise<Issued> {
  const ids = ["worker", "caller"].map((name) => `${prefix}${name}`);
  await workshop.run(`${FOLDER}/${program}`, [".", ...args, ...ids]);
  return await issued(workshop, "worker", "caller");
}

async function issued(workshop: Workshop, worker: string, caller: string): Promise<Issued> {
  return {
    ca: await workshop.read("ca.pem"),
    worker: await held(workshop, worker),
    caller: await held(workshop, caller),
  };
}

async function held(workshop: Workshop, cert: string, key?: string): Promise<Held> {
  const keyFile = key === undefined ? `${cert}.key` : `${key}.pem`;
  return { cert: await workshop.read(`${cert}.pem`), key: await workshop.read(keyFile) };
}

/** What `scripts/install_issuers.ts` installed, under the name that tests give it. */
export function installed(name: string, program: string): Tool {
  const path = `${FOLDER}/${program}`;
  return { name, path: isInstalled(path) ? path : undefined };
}

/** Whether there is such a file. */
export function isInstalled(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
