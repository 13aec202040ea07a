import { Command } from "commander";
import { unusable } from "../../errors/mod.ts";
import {
  type CredentialsFlags,
  credentialsOf,
  withCredentialsFlags,
} from "../credentials_flags.ts";
import { checkedEndpoint } from "../caller_flags.ts";
import { ExitCode, exitCodeOfFiles } from "../exit_code.ts";
import { flag, listFlag, switchFlag, timeoutFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { type Examination, examine } from "./examine.ts";
import { examineFiles } from "./examine_files.ts";
import { examineFleet } from "./examine_fleet.ts";
import { render } from "./render.ts";
import { renderFleet } from "./render_fleet.ts";
import type { Problem, Step } from "./report.ts";

/** `selvage doctor`: one connection, a whole fleet, or files before they are deployed, explained. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("explain one connection: TCP, TLS, every certificate, and the check that failed")
    .addOption(flag("--endpoint <HOST:PORT>", "what to examine"))
    .addOption(
      flag("--discover <URL>", "examine every worker of a fleet instead, and print one table"),
    )
    .addOption(
      flag("--as <ROLE>", "examine only the files, before they are deployed, for this role")
        .choices(["worker", "client"]),
    )
    .addOption(listFlag("--identity <ID>", "who it must prove to be; may be given again"))
    .addOption(switchFlag("--json", "print one JSON object"))
    .addOption(timeoutFlag("how long each connection may take").default(5_000, "5s"))
    .addHelpText("after", EXAMPLES);
  return withCredentialsFlags(command).action(doctor);
}

const EXAMPLES = `
Examples:
  selvage doctor --endpoint 10.0.0.7:8443 --ca ca.pem --cert me.pem --key me.key \\
    --identity spiffe://example.org/worker
  selvage doctor --discover dns:math.internal:8443 --ca ca.pem --cert me.pem --key me.key
  selvage doctor --as worker --ca ca.pem --cert worker.pem --key worker.key
`;

interface DoctorFlags extends CredentialsFlags {
  readonly endpoint?: string;
  readonly discover?: string;
  readonly as?: "worker" | "client";
  readonly identity?: readonly string[];
  readonly json?: boolean;
  readonly timeout: number;
}

async function doctor(flags: DoctorFlags): Promise<void> {
  const { endpoint, discover, as } = flags;
  const given = [endpoint, discover, as].filter((one) => one !== undefined).length;
  if (given !== 1) {
    throw unusable(
      "--endpoint",
      "one of --endpoint, --discover and --as must say what to examine: a worker, a fleet or files",
    );
  }
  if (discover !== undefined) return await examineAll(discover, flags);
  const steps: Step[] = [];
  if (endpoint !== undefined) checkedEndpoint(endpoint);
  for await (const step of as === undefined ? peerSteps(endpoint!, flags) : fileSteps(as, flags)) {
    steps.push(step);
    if (flags.json !== true) printLine(render(step, Date.now()));
  }
  const failed = steps.find(({ outcome }) => outcome === "failed");
  const examined = as === undefined ? { endpoint } : { as };
  if (flags.json === true) {
    printLine(jsonOf({ ...examined, ok: failed === undefined, steps }));
  }
  if (failed === undefined) return;
  const code = exitCodeOf(failed.problem);
  Deno.exitCode = as !== undefined && code === ExitCode.handshake
    ? exitCodeOfFiles(failed.problem?.evidence)
    : code;
}

function peerSteps(endpoint: string, flags: DoctorFlags): AsyncIterable<Step> {
  return examine({ endpoint, ...examinationOf(flags) });
}

function fileSteps(as: "worker" | "client", flags: DoctorFlags): AsyncIterable<Step> {
  const { identity, verdict, denylist } = flags;
  const credentials = credentialsOf(flags, "caller");
  if (credentials === undefined || flags.oneWay === true) {
    throw unusable("--cert", "--as examines files: give --cert, --key and --ca");
  }
  return examineFiles({ credentials, as, identity, verdict, denylist });
}

async function examineAll(discover: string, flags: DoctorFlags): Promise<void> {
  const rows = await examineFleet({ discover, ...examinationOf(flags) });
  const ok = rows.every((row) => row.ok);
  printLine(flags.json === true ? jsonOf({ discover, ok, workers: rows }) : renderFleet(rows));
  if (ok) return;
  const codes = rows.flatMap((row) => row.ok ? [] : [exitCodeOf(row.problem)]);
  Deno.exitCode = codes.includes(ExitCode.handshake) ? ExitCode.handshake : codes[0]!;
}

function examinationOf(flags: DoctorFlags): Omit<Examination, "endpoint"> {
  // Whom to trust is enough to examine a peer; our own certificate is not needed for that.
  const trustOnly = flags.ca !== undefined && flags.cert === undefined && flags.key === undefined;
  return {
    identity: flags.identity,
    credentials: credentialsOf(trustOnly ? { ...flags, oneWay: true } : flags, "caller"),
    verdict: flags.verdict,
    denylist: flags.denylist,
    timeoutMs: flags.timeout,
  };
}

function exitCodeOf(problem: Problem | undefined): ExitCode {
  if (problem?.error === "HandshakeError") return ExitCode.handshake;
  return problem?.error === "ConfigurationError" ? ExitCode.usage : ExitCode.unavailable;
}
