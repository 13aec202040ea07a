import { findTool } from "../foreign/tool.ts";
import { CALLER_NAME, type Held, type Issuer, WORKER_NAME } from "./issuer.ts";
import type { Workshop } from "./workshop.ts";

/** `easyrsa`, whose package keeps it off the path. */
export const easyRsa: Issuer = {
  name: "easy-rsa",
  tool: { name: "easy-rsa", path: installed("/usr/share/easy-rsa/easyrsa") },
  async issue(workshop) {
    const env = { EASYRSA_BATCH: "1", EASYRSA_ALGO: "ec", EASYRSA_CURVE: "prime256v1" };
    const run = (...args: string[]) => workshop.run("/usr/share/easy-rsa/easyrsa", args, { env });
    await run("init-pki");
    await run("build-ca", "nopass");
    await run("build-server-full", WORKER_NAME, "nopass");
    await run("build-client-full", CALLER_NAME, "nopass");
    const held = async (name: string): Promise<Held> => ({
      cert: await workshop.read(`pki/issued/${name}.crt`),
      key: await workshop.read(`pki/private/${name}.key`),
    });
    const ca = await workshop.read("pki/ca.crt");
    return { ca, worker: await held(WORKER_NAME), caller: await held(CALLER_NAME) };
  },
};

/** GnuTLS's `certtool` with the templates of its manual. */
export const certtool: Issuer = {
  name: "certtool",
  tool: { name: "certtool", path: findTool("certtool") },
  async issue(workshop) {
    const key = (name: string) =>
      workshop.run("certtool", [
        ...["--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1"],
        ...["--outfile", `${name}.key`],
      ]);
    await key("ca");
    await workshop.write("ca.template", 'cn = "Team CA"\nca\ncert_signing_key\n');
    await workshop.run("certtool", [
      ...["--generate-self-signed", "--load-privkey", "ca.key"],
      ...["--template", "ca.template", "--outfile", "ca.pem"],
    ]);
    const certify = async (name: string, purpose: string): Promise<Held> => {
      await key(name);
      const lines = [`cn = "${name}"`, `dns_name = "${name}"`, "signing_key", purpose];
      await workshop.write(`${name}.template`, `${lines.join("\n")}\n`);
      await workshop.run("certtool", [
        ...["--generate-certificate", "--load-privkey", `${name}.key`],
        ...["--load-ca-certificate", "ca.pem", "--load-ca-privkey", "ca.key"],
        ...["--template", `${name}.template`, "--outfile", `${name}.pem`],
      ]);
      return await heldAs(workshop, name, ".pem", ".key");
    };
    const worker = await certify(WORKER_NAME, "tls_www_server");
    const caller = await certify(CALLER_NAME, "tls_www_client");
    return { ca: await workshop.read("ca.pem"), worker, caller };
  },
};

/** `mkcert`, without installing its root anywhere. */
export const mkcert: Issuer = {
  name: "mkcert",
  tool: { name: "mkcert", path: findTool("mkcert") },
  async issue(workshop) {
    const env = { CAROOT: workshop.folder, TRUST_STORES: "none" };
    const certify = (name: string, ...more: string[]) =>
      workshop.run("mkcert", [
        ...more,
        ...["-cert-file", `${name}.pem`, "-key-file", `${name}.key`, name],
      ], { env });
    await certify(WORKER_NAME);
    await certify(CALLER_NAME, "-client");
    return {
      ca: await workshop.read("rootCA.pem"),
      worker: await heldAs(workshop, WORKER_NAME, ".pem", ".key"),
      caller: await heldAs(workshop, CALLER_NAME, ".pem", ".key"),
    };
  },
};

/** Cloudflare's `cfssl` with its default profile. */
export const cfssl: Issuer = {
  name: "cfssl",
  tool: { name: "cfssl", path: findTool("cfssl") },
  async issue(workshop) {
    const key = { algo: "ecdsa", size: 256 };
    const json = (name: string, request: object) =>
      workshop.write(`${name}.json`, JSON.stringify({ ...request, key }));
    const bare = async (name: string, args: readonly string[]) => {
      const made = await workshop.run("cfssl", ["gencert", ...args, `${name}.json`]);
      await workshop.run("cfssljson", ["-bare", name], { input: made });
    };
    await json("ca", { CN: "Team CA" });
    await bare("ca", ["-initca"]);
    for (const name of [WORKER_NAME, CALLER_NAME]) {
      await json(name, { CN: name, hosts: [name] });
      await bare(name, ["-ca", "ca.pem", "-ca-key", "ca-key.pem"]);
    }
    return {
      ca: await workshop.read("ca.pem"),
      worker: await heldAs(workshop, WORKER_NAME, ".pem", "-key.pem"),
      caller: await heldAs(workshop, CALLER_NAME, ".pem", "-key.pem"),
    };
  },
};

async function heldAs(
  workshop: Workshop,
  name: string,
  cert: string,
  key: string,
): Promise<Held> {
  return { cert: await workshop.read(name + cert), key: await workshop.read(name + key) };
}

function installed(path: string): string | undefined {
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}
