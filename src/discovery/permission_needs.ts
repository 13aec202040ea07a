import { dirname, resolve } from "node:path";
import { API_SERVER_VARIABLES, SERVICE_ACCOUNT } from "./kubernetes/kubernetes.ts";
import { registryFolder } from "./local/registry_folder.ts";

/** What Deno must allow for a discovery to work, besides the network. */
export type PermissionNeeds = Readonly<
  Partial<Record<"read" | "write" | "env" | "sys", readonly string[]>>
>;

/** What Deno must allow, besides the network, for the discovery that a URL names. */
export function permissionNeeds(url: string): PermissionNeeds {
  const colon = url.indexOf(":");
  const rest = url.slice(colon + 1);
  switch (url.slice(0, Math.max(colon, 0))) {
    case "file":
      return { read: [resolve(rest)] };
    case "local": {
      // Its parent is checked, too, and made where it is not there.
      const root = dirname(registryFolder(rest, undefined));
      return { read: [root], write: [root], env: ["XDG_RUNTIME_DIR"], sys: ["uid"] };
    }
    case "lan":
      return { sys: ["networkInterfaces"] };
    case "dns+srv":
      // Deno asks for that before it says which name servers the machine has.
      return new URLSearchParams(queryOf(rest)).has("ns") ? {} : { sys: ["networkInterfaces"] };
    case "etcd":
      return { read: filesIn(rest, ["ca", "cert", "key"]).map((file) => dirname(file)) };
    case "k8s":
      return podNeeds(rest);
    default:
      return {};
  }
}

function podNeeds(rest: string): PermissionNeeds {
  const [ca] = filesIn(rest, ["ca"]);
  const [token] = filesIn(rest, ["token"]);
  const read = [ca ?? `${SERVICE_ACCOUNT}/ca.crt`, token ?? `${SERVICE_ACCOUNT}/token`];
  const isPod = !new URLSearchParams(queryOf(rest)).has("api");
  return {
    read: read.map((file) => dirname(file)),
    ...(isPod ? { env: API_SERVER_VARIABLES } : {}),
  };
}

function filesIn(rest: string, parameters: readonly string[]): readonly string[] {
  const query = new URLSearchParams(queryOf(rest));
  return parameters.flatMap((name) => query.getAll(name)).map((file) => resolve(file));
}

function queryOf(rest: string): string {
  return rest.includes("?") ? rest.slice(rest.indexOf("?") + 1) : "";
}
