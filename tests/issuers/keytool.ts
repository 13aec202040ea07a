import { findTool } from "../foreign/tool.ts";
import { type Issuer, WORKER_NAME } from "./issuer.ts";

const STORE = ["-storetype", "PKCS12", "-storepass", "changeit"];

/** The JDK's `keytool`, whose store `openssl` turns into PEM as its users do. */
export const keytool: Issuer = {
  name: "keytool -gencert, a subjectAltName added",
  tool: { name: "keytool", path: findTool("openssl") && findTool("keytool") },
  async issue(workshop) {
    const run = (args: readonly string[], input = "") => workshop.run("keytool", args, { input });
    await run([
      ...["-genkeypair", "-alias", "ca", "-keystore", "ca.p12", ...STORE],
      ...["-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=Team CA", "-ext", "bc:c"],
    ]);
    await run([
      ...["-genkeypair", "-alias", "worker", "-keystore", "worker.p12", ...STORE],
      ...["-keyalg", "EC", "-groupname", "secp256r1", "-dname", `CN=${WORKER_NAME}`],
    ]);
    const request = await run([
      "-certreq",
      "-alias",
      "worker",
      "-keystore",
      "worker.p12",
      ...STORE,
    ]);
    const cert = await run([
      ...["-gencert", "-alias", "ca", "-keystore", "ca.p12", ...STORE, "-rfc"],
      ...["-ext", `san=dns:${WORKER_NAME}`],
    ], request);
    const ca = await run(["-exportcert", "-alias", "ca", "-keystore", "ca.p12", ...STORE, "-rfc"]);
    const key = await workshop.run("openssl", [
      ...["pkcs12", "-in", "worker.p12", "-passin", "pass:changeit", "-nocerts", "-nodes"],
    ]);
    // The last block of what `-gencert` writes may be the authority, which it appends.
    return { ca, worker: { cert, key: pemOf(key, "PRIVATE KEY") } };
  },
};

/** One block of a file with attributes around it. */
function pemOf(text: string, label: string): string {
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  return `${text.slice(text.indexOf(begin), text.indexOf(end) + end.length)}\n`;
}
