import { isMissing, NoTextFile, readingFailure, readTextFile } from "../platform/mod.ts";
import type { Assembled } from "./assemble.ts";
import type { ReadPem } from "./next_version.ts";
import type { CredentialMaterial } from "./material.ts";
import { type CredentialRejection, rejection } from "./rejection.ts";
import { present } from "../values/mod.ts";

/** Where the text of one setting comes from. */
export type CredentialPart =
  & (
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "file"; readonly path: string }
  )
  & {
    /** The environment variable that gives it. */
    readonly variable?: string;
  };

/** The settings that have a text. */
export type PartName = "ca" | "cert" | "key";

/** Where every setting comes from. */
export interface CredentialParts {
  /** The settings given. */
  readonly parts: ReadonlyMap<PartName, CredentialPart>;
  /** The authorities of SPIFFE trust domains, by domain. */
  readonly domains: ReadonlyMap<string, CredentialPart>;
  /** Only one end shows a certificate. */
  readonly oneWay: boolean;
}

/** No certificate file is as large; a device or a log given by mistake is not read into memory. */
const FILE_LIMIT_BYTES = 4 * 1024 * 1024;

/** The files among the parts. */
export function filesOf({ parts, domains }: CredentialParts): readonly string[] {
  return [...parts.values(), ...domains.values()].flatMap((part) =>
    part.kind === "file" ? [part.path] : []
  );
}

/**
 * Reads every part now; a file that cannot be read is a rejection. One of the authorities of a trust domain is
 * `unread`.
 */
export async function readParts(
  { parts, domains, oneWay }: CredentialParts,
): Promise<ReadPem | CredentialRejection> {
  const texts: Partial<Record<PartName, string>> = {};
  for (const [name, part] of parts) {
    const text = await readPart(name, part);
    if (typeof text !== "string") return text;
    texts[name] = text;
  }
  const byDomain = new Map<string, string>();
  const unread: CredentialRejection[] = [];
  for (const [domain, part] of domains) {
    const text = await readPart("ca", part);
    if (typeof text === "string") byDomain.set(domain, text);
    else unread.push({ ...text, domain });
  }
  return { ...texts, domains: byDomain, oneWay, unread };
}

/** What was assembled of parts; a rejection names the file or the variable that it is about. */
export function namingOrigin(assembled: Assembled, { parts, domains }: CredentialParts): Assembled {
  const named = (rejected: CredentialRejection): CredentialRejection => {
    // The failure of a file names it.
    if (rejected.reason === "unreadable") return rejected;
    const { setting, domain } = rejected;
    const part = domain === undefined ? parts.get(setting as PartName) : domains.get(domain);
    const origin = part === undefined ? undefined : originOf(part);
    return origin === undefined
      ? rejected
      : { ...rejected, message: `${origin}: ${rejected.message}` };
  };
  switch (assembled.kind) {
    case "usable":
      return {
        ...assembled,
        material: originated(assembled.material, parts),
        ...present({ kept: assembled.kept?.map(named) }),
      };
    case "own-invalid":
      return {
        ...assembled,
        material: originated(assembled.material, parts),
        rejected: named(assembled.rejected),
        ...present({ kept: assembled.kept?.map(named) }),
      };
    case "rejected":
      return named(assembled);
  }
}

function originated(
  material: CredentialMaterial,
  parts: CredentialParts["parts"],
): CredentialMaterial {
  const [cert, key] = [parts.get("cert"), parts.get("key")];
  if (material.own === undefined || cert === undefined || key === undefined) return material;
  return { ...material, origins: { cert: originOf(cert), key: originOf(key) } };
}

async function readPart(
  name: PartName,
  part: CredentialPart,
): Promise<string | CredentialRejection> {
  return part.kind === "text" ? part.text : await readFile(name, part.path, originOf(part)!);
}

/** What to look at where a part is wrong: the file, the variable, or both; `undefined` of plain text. */
function originOf(part: CredentialPart): string | undefined {
  const { variable } = part;
  if (part.kind === "text") return variable;
  return variable === undefined ? part.path : `${variable} (${part.path})`;
}

async function readFile(
  name: PartName,
  path: string,
  origin: string,
): Promise<string | CredentialRejection> {
  try {
    return await readTextFile(path, FILE_LIMIT_BYTES);
  } catch (cause) {
    if (cause instanceof NoTextFile) {
      return rejection("unreadable", name, `${origin} ${cause.why}`);
    }
    if (isMissing(cause)) {
      return rejection("unreadable", name, `${origin} does not exist`, cause);
    }
    return rejection(
      "unreadable",
      name,
      `${origin} cannot be read: ${readingFailure(cause)}`,
      cause,
    );
  }
}
