import { join } from "node:path";
import { Command } from "commander";
import { Authority, createAuthority } from "../../credentials/mod.ts";
import { ConfigurationError } from "../../errors/mod.ts";
import { durationFlag, listFlag } from "../flag.ts";
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
    .addOption(durationFlag("--ttl <DURATION>", "how long it lasts (default: 3650d)"))
    .action(init);
  certs.command("issue").description("issue a certificate: DIR/NAME.pem and DIR/NAME.key")
    .argument("<DIR>", "the authority's folder")
    .argument("<NAME>", "the name of the files, and the DNS name where no other is given")
    .addOption(listFlag("--dns <NAME>", "a DNS name; may be given again"))
    .addOption(listFlag("--spiffe <ID>", "the SPIFFE ID"))
    .addOption(durationFlag("--ttl <DURATION>", "how long it is valid (default: 24h)"))
    .action(issue);
  certs.addCommand(certsCheckCommand());
  return certs;
}

interface IssueFlags {
  readonly dns?: readonly string[];
  readonly spiffe?: readonly string[];
  readonly ttl?: number;
}

async function init(folder: string, { ttl }: { readonly ttl?: number }): Promise<void> {
  const authority = createAuthority(present({ ttlMs: ttl }));
  await makeFolder(folder);
  await writeNewFiles([
    { path: join(folder, "ca.key"), text: authority.keyPem, mode: 0o600 },
    { path: join(folder, "ca.pem"), text: authority.certPem, mode: 0o644 },
  ], "an authority is never overwritten");
  print(folder, "ca");
}

async function issue(folder: string, name: string, flags: IssueFlags): Promise<void> {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith(".")) {
    throw new ConfigurationError(
      `NAME becomes a file name: letters, digits, "-", "_" and ".", not ${JSON.stringify(name)}`,
      { setting: "NAME" },
    );
  }
  if (name === "ca") {
    throw new ConfigurationError("NAME cannot be ca: those are the authority's own files", {
      setting: "NAME",
    });
  }
  const [spiffe, second] = flags.spiffe ?? [];
  if (second !== undefined) {
    throw new ConfigurationError("a certificate has one SPIFFE ID; --spiffe was given twice", {
      setting: "--spiffe",
    });
  }
  const advice = `make an authority first: selvage certs init ${folder}`;
  const authority = new Authority(
    await readText(join(folder, "ca.pem"), advice),
    await readText(join(folder, "ca.key"), advice),
  );
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
  await replaceFiles(files);
  print(folder, name);
}

function print(folder: string, name: string): void {
  const certificate = join(folder, `${name}.pem`);
  console.log(JSON.stringify({ certificate, key: join(folder, `${name}.key`) }));
}
