import { SPIRE_SERVER, SpireServer, type SpireServerOptions } from "../spiffe/spire_server.ts";
import { makeCertificate } from "../support/certificates.ts";
import { FOLDER, installed, isInstalled } from "./installed.ts";
import type { Held, Issued, Issuer } from "./issuer.ts";
import type { Workshop } from "./workshop.ts";

const tool = { name: "SPIRE", path: isInstalled(SPIRE_SERVER) ? SPIRE_SERVER : undefined };

/** SPIRE's server, asked for SVIDs by its own command, and what hands them on in files. */
export const spire: readonly Issuer[] = [
  { name: "SPIRE 1.13.3, its own root", tool, issue: (workshop) => mintBoth(workshop) },
  {
    name: "SPIRE 1.13.3, upstream authority `disk`",
    tool,
    async issue(workshop) {
      const root = makeCertificate({ name: "team root", authority: true });
      return await mintBoth(workshop, {
        upstream: {
          cert: await workshop.write("root.pem", root.pem),
          key: await workshop.write("root.key", root.keyPem),
        },
      });
    },
  },
  {
    name: "spiffe-helper 0.11.0, SVIDs of SPIRE 1.13.3",
    tool: tool.path === undefined ? tool : installed("spiffe-helper", "spiffe_helper"),
    async issue(workshop) {
      const { ca, worker, caller } = await mintBoth(workshop);
      const written = await helped(workshop, ca, worker);
      return {
        ca: written.ca,
        worker: written.held,
        caller: (await helped(workshop, ca, caller!)).held,
      };
    },
  },
];

async function mintBoth(workshop: Workshop, options: SpireServerOptions = {}): Promise<Issued> {
  await using server = await SpireServer.start(workshop.folder, options);
  const mint = async (name: string): Promise<Held> => {
    await Deno.mkdir(workshop.path(name));
    const id = `spiffe://example.org/${name}`;
    const mint = ["x509", "mint", "-spiffeID", id, "-write"];
    await server.ask(...mint, workshop.path(name));
    workshop.commands.push([SPIRE_SERVER, ...mint, name].join(" "));
    return {
      cert: await workshop.read(`${name}/svid.pem`),
      key: await workshop.read(`${name}/key.pem`),
    };
  };
  const [worker, caller] = [await mint("worker"), await mint("caller")];
  return { ca: await workshop.read("worker/bundle.pem"), worker, caller };
}

/** What spiffe-helper makes of an SVID. */
async function helped(
  workshop: Workshop,
  ca: string,
  { cert, key }: Held,
): Promise<{ readonly ca: string; readonly held: Held }> {
  for (const [name, text] of [["ca.pem", ca], ["cert.pem", cert], ["key.pem", key]] as const) {
    await workshop.write(name, text);
  }
  const input = `${workshop.folder}\n`;
  await workshop.run(`${FOLDER}/spiffe_helper`, [workshop.folder], { input });
  return {
    ca: await workshop.read("svid_bundle.pem"),
    held: { cert: await workshop.read("svid.pem"), key: await workshop.read("svid_key.pem") },
  };
}
