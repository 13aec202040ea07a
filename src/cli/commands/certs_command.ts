import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { Command } from "commander";
import { Authority, createAuthority } from "../../credentials/mod.ts";
import { unusable } from "../../errors/mod.ts";
import { durationFlag, listFlag, switchFlag } from "../flag.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { certsCheckCommand } from "./certs_check.ts";
import { makeFolder, type NewFile, readText, replaceFiles, writeNewFiles } from "../files.ts";
import { present } from "../../values/mod.ts";

/** `selvage certs`: a development authority in a folder. */
export function certsCommand(): Command {
  const certs = new Command("certs").description(
    "a development authority in a folder, and what certificates could do better",
  );
  certs.command("init").description("make a new authority: DIR/ca.pem and DIR/ca.key")
    .argument("<DIR>", "the folder; made where it is not there")
    .addOption(durationFlag("--ttl <DURATION>", "how long it lasts", "3650d"))
    .addOption(jsonFlag())
    .addHelpText("after", INIT_EXAMPLES)
    .action(init);
  certs.command("issue").description("issue a certificate: DIR/NAME.pem and DIR/NAME.key")
    .argument("<DIR>", "the authority's folder")
    .argument("<NAME>", "the name of the files, and the DNS name where no other is given")
    .addOption(listFlag("--dns <NAME>", "a DNS name; may be given again", "NAME"))
    .addOption(listFlag("--spiffe <ID>", "the SPIFFE ID"))
    .addOption(durationFlag("--ttl <DURATION>", "how long it is valid", "24h"))
    .addOption(switchFlag("--force", "replace files that are there, as a rotation does"))
    .addOption(jsonFlag())
    .addHelpText("after", ISSUE_EXAMPLES)
    .action(issue);
  certs.addCommand(certsCheckCommand());
  return certs;
}

const INIT_EXAMPLES = `
Examples:
  selvage certs init pki
  selvage certs init pki --ttl 30d
`;

const ISSUE_EXAMPLES = `
Examples:
  selvage certs issue pki worker --spiffe spiffe://example.org/worker
  selvage certs issue pki web --dns web.internal --dns localhost --ttl 8h
  selvage certs issue pki worker --spiffe spiffe://example.org/worker --force
`;

interface InitFlags extends ResultFlags {
  readonly ttl?: number;
}

interface IssueFlags extends ResultFlags {
  readonly force?: boolean;
  readonly dns?: readonly string[];
  readonly spiffe?: readonly string[];
  readonly ttl?: number;
}

async function init(folder: string, flags: InitFlags): Promise<void> {
  const authority = createAuthority(present({ ttlMs: flags.ttl }));
  await makeFolder(folder);
  await writeNewFiles([
    { path: join(folder, "ca.key"), text: authority.keyPem, mode: 0o600 },
    { path: join(folder, "ca.pem"), text: authority.certPem, mode: 0o644 },
  ], "an authority is never overwritten");
  print(folder, "ca", authority.certPem, flags);
}

async function issue(folder: string, name: string, flags: IssueFlags): Promise<void> {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith(".")) {
    throw unusable(
      "NAME",
      `NAME becomes a file name: letters, digits, "-", "_" and ".", not ${JSON.stringify(name)}`,
    );
  }
  if (name === "ca") {
    throw unusable("NAME", "NAME cannot be ca: those are the authority's own files");
  }
  const [spiffe, second] = flags.spiffe ?? [];
  if (second !== undefined) {
    throw unusable("--spiffe", "a certificate has one SPIFFE ID; --spiffe was given twice");
  }
  const advice = `make an authority first: selvage certs init ${folder}`;
  const authority = new Authority(
    await readText(join(folder, "ca.pem"), advice),
    await readText(join(folder, "ca.key"), advice),
  );
  const began = Date.now();
  const issued = authority.issue({
    name,
    ttlMs: flags.ttl,
    dns: flags.dns,
    spiffe,
  });
  const files: readonly NewFile[] = [
    { path: join(folder, `${name}.key`), text: issued.keyPem, mode: 0o600 },
    { path: join(folder, `${name}.pem`), text: issued.certPem, mode: 0o644 },
  ];
  if (flags.force === true) await replaceFiles(files);
  else await writeNewFiles(files, "--force replaces it");
  print(folder, name, issued.certPem, flags, {
    asked: began + (flags.ttl ?? 0),
    authorityEnds: endOf(authority.certPem),
  });
}

/** What a certificate was asked to last for, and when its authority ends, in milliseconds since the epoch. */
interface Limited {
  readonly asked: number;
  readonly authorityEnds: number;
}

function print(
  folder: string,
  name: string,
  pem: string,
  flags: ResultFlags,
  limited?: Limited,
): void {
  const certificate = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const validUntil = new Date(endOf(pem)).toISOString();
  const limitedByAuthority = limited !== undefined && limited.asked > limited.authorityEnds;
  const why = limitedByAuthority ? ", when its authority ends: --ttl asks for longer" : "";
  printResult(
    flags,
    () => [`wrote ${certificate} and ${key}, valid until ${validUntil}${why}`],
    [{ certificate, key, validUntil, ...(limitedByAuthority ? { limitedByAuthority } : {}) }],
  );
}

/** When a certificate ends, in milliseconds since the epoch. */
function endOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo);
}
