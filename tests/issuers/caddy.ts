import { findTool } from "../foreign/tool.ts";
import { type Issuer, WORKER_NAME } from "./issuer.ts";
import { TestProcess } from "../support/test_process.ts";

const STORED = `store/certificates/local/${WORKER_NAME}/${WORKER_NAME}`;

/** Only its authority and its certificates: no listener, no administration, nothing installed. */
const CONFIG = {
  admin: { disabled: true },
  storage: { module: "file_system", root: "store" },
  apps: {
    pki: { certificate_authorities: { local: { install_trust: false } } },
    tls: {
      certificates: { automate: [WORKER_NAME] },
      automation: { policies: [{ subjects: [WORKER_NAME], issuers: [{ module: "internal" }] }] },
    },
  },
};

/** Caddy's internal issuer, whose certificates are for both roles. */
export const caddy: Issuer = {
  name: "Caddy, tls internal",
  tool: { name: "caddy", path: findTool("caddy") },
  async issue(workshop) {
    await workshop.write("caddy.json", JSON.stringify(CONFIG));
    const isDone = (line: string) => line.includes("certificate obtained successfully");
    const { process } = await TestProcess.ready("caddy", isDone, {
      args: ["run", "--config", "caddy.json"],
      cwd: workshop.folder,
      env: { HOME: workshop.folder },
    });
    await process.end("SIGTERM");
    const worker = {
      cert: await workshop.read(`${STORED}.crt`),
      key: await workshop.read(`${STORED}.key`),
    };
    return { ca: await workshop.read("store/pki/authorities/local/root.crt"), worker };
  },
};
