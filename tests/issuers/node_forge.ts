import forge from "node-forge";
import { CALLER_NAME, type Held, type Issuer, WORKER_NAME } from "./issuer.ts";

const DAY_MS = 86_400_000;

/** `node-forge`, as the examples of its documentation call it. */
export const nodeForge: Issuer = {
  name: "node-forge 1.4.3",
  tool: { name: "node-forge", path: "node-forge" },
  issue() {
    const { pki } = forge;
    const subject = (name: string) => [{ name: "commonName", value: name }];
    const root = pki.rsa.generateKeyPair(2048);
    const certify = (name: string, keys: forge.pki.KeyPair, extensions: object[]) => {
      const certificate = pki.createCertificate();
      certificate.publicKey = keys.publicKey;
      certificate.serialNumber = `0${Math.floor(Math.random() * 1e9)}`;
      certificate.validity.notBefore = new Date();
      certificate.validity.notAfter = new Date(Date.now() + 30 * DAY_MS);
      certificate.setSubject(subject(name));
      certificate.setIssuer(subject("Team CA"));
      certificate.setExtensions(extensions);
      certificate.sign(root.privateKey, forge.md.sha256.create());
      return pki.certificateToPem(certificate);
    };
    const ca = certify("Team CA", root, [
      { name: "basicConstraints", cA: true },
      { name: "keyUsage", keyCertSign: true, digitalSignature: true },
    ]);
    const held = (name: string): Held => {
      const keys = pki.rsa.generateKeyPair(2048);
      const cert = certify(name, keys, [
        { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
      ]);
      return { cert, key: pki.privateKeyToPem(keys.privateKey) };
    };
    return Promise.resolve({ ca, worker: held(WORKER_NAME), caller: held(CALLER_NAME) });
  },
};
