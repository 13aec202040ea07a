import type { Command } from "commander";
import { type Credentials as CredentialsValue, labelledCa } from "../credentials/mod.ts";
import { type ConfigurationError, unusable } from "../errors/mod.ts";
import type { VerdictMode } from "../identity/mod.ts";
import { Credentials } from "../spiffe/mod.ts";
import { flag, listFlag, switchFlag, withFlags } from "./flag.ts";

/** The flags that say who we are and whom we trust, the same for every command. */
export interface CredentialsFlags {
  /** `FILE`, or `TRUST-DOMAIN=FILE`, each. */
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly denylist?: string;
  readonly spiffeSocket?: string;
  readonly oneWay?: boolean;
  readonly verdict?: VerdictMode;
}

/** Adds the credentials flags to a command. */
export function withCredentialsFlags(command: Command): Command {
  return withFlags(
    command,
    listFlag(
      "--ca <FILE>",
      "the authorities to trust, PEM; given again as TRUST-DOMAIN=FILE: for that domain's SPIFFE IDs alone",
    ),
    flag("--cert <FILE>", "our certificate and its chain, PEM"),
    flag("--key <FILE>", "our private key, PEM"),
    flag("--denylist <FILE>", "peers that are refused whatever they show, JSON"),
    flag("--spiffe-socket <PATH>", "the SPIFFE agent's socket, instead of files"),
    flag(
      "--verdict <KIND>",
      "private accepts what is safe and advises, strict also rejects that",
      "private",
    ).choices(["private", "strict"]),
    switchFlag("--one-way", "only one end shows a certificate"),
  );
}

/**
 * The credentials that the flags name; files are watched, and an agent is followed.
 *
 * @returns `undefined` where no flag is given: plaintext.
 * @throws {ConfigurationError} If some are given that belong with others.
 */
export function credentialsOf(
  flags: CredentialsFlags,
  side: "worker" | "caller",
): CredentialsValue | undefined {
  const { ca, cert, key, denylist, spiffeSocket, oneWay = false } = flags;
  const given = { ca, cert, key };
  for (const [name, value] of Object.entries({ ...given, denylist })) {
    if ([value].flat().includes("")) {
      throw unusable(
        `--${name}`,
        `--${name} (SELVAGE_${name.toUpperCase()}) is empty; name a file, or leave it out`,
      );
    }
  }
  if (spiffeSocket !== undefined) return fromAgent(spiffeSocket, flags);
  const wanted = wantedFlags(side, oneWay);
  if (denylist !== undefined && oneWay && side === "worker") {
    throw unusable("--denylist", "--denylist is for mutual TLS, not for --one-way");
  }
  if (ca === undefined && cert === undefined && key === undefined) {
    if (!oneWay && denylist === undefined) return undefined;
    throw incomplete(wanted, wanted);
  }
  const missing = wanted.filter((name) => given[name] === undefined);
  if (missing.length > 0) throw incomplete(wanted, missing);
  const { ca: authorities, ...own } = given;
  return Credentials.watchFiles({
    ca: authorities === undefined ? undefined : labelledCa(authorities),
    cert: own.cert,
    key: own.key,
    oneWay,
    // A caller's files are there, or are misspelt; a worker's may be on their way.
    ...(side === "caller" ? { waitMs: 0 } : {}),
  });
}

function fromAgent(
  socket: string,
  { ca, cert, key, oneWay = false }: CredentialsFlags,
): CredentialsValue {
  if (oneWay || [ca, cert, key].some((file) => file !== undefined)) {
    throw unusable(
      "--spiffe-socket",
      "--spiffe-socket stands alone: the agent gives certificate, key and authorities",
    );
  }
  return Credentials.spiffeWorkloadApi({ socket });
}

type FileFlag = "ca" | "cert" | "key";

function wantedFlags(side: "worker" | "caller", oneWay: boolean): readonly FileFlag[] {
  if (!oneWay) return ["ca", "cert", "key"];
  return side === "worker" ? ["cert", "key"] : ["ca"];
}

function incomplete(
  wanted: readonly FileFlag[],
  missing: readonly FileFlag[],
): ConfigurationError {
  const list = (names: readonly string[]) => names.map((name) => `--${name}`).join(", ");
  const message = wanted.length === 1
    ? `--one-way needs ${list(wanted)}`
    : `${list(wanted)} belong together; missing: ${list(missing)}`;
  return unusable(`--${missing[0]}`, message);
}
