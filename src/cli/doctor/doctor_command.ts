import { Command } from "commander";
import { ConfigurationError } from "../../errors/mod.ts";
import {
  type CredentialsFlags,
  credentialsOf,
  withCredentialsFlags,
} from "../credentials_flags.ts";
import { ExitCode } from "../exit_code.ts";
import { countFlag, flag, listFlag, switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { examine } from "./examine.ts";
import { render } from "./render.ts";
import type { Step } from "./report.ts";

/** `selvage doctor`: one connection, explained. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("explain one connection: TCP, TLS, every certificate, and the check that failed")
    .addOption(flag("--endpoint <HOST:PORT>", "what to examine"))
    .addOption(listFlag("--identity <ID>", "who it must prove to be; may be given again"))
    .addOption(switchFlag("--json", "print one JSON object"))
    .addOption(countFlag("--timeout <MS>", "how long each connection may take", 1).default(5_000));
  return withCredentialsFlags(command).action(doctor);
}

interface DoctorFlags extends CredentialsFlags {
  readonly endpoint?: string;
  readonly identity?: readonly string[];
  readonly json?: boolean;
  readonly timeout: number;
}

async function doctor(flags: DoctorFlags): Promise<void> {
  const { endpoint, identity, json = false, timeout: timeoutMs } = flags;
  if (endpoint === undefined) {
    throw new ConfigurationError("--endpoint must say what to examine", { setting: "--endpoint" });
  }
  // Whom to trust is enough to examine a peer; our own certificate is not needed for that.
  const trustOnly = flags.ca !== undefined && flags.cert === undefined && flags.key === undefined;
  const credentials = credentialsOf(trustOnly ? { ...flags, oneWay: true } : flags, "caller");
  const steps: Step[] = [];
  for await (
    const step of examine({
      endpoint,
      identity,
      credentials,
      verdict: flags.verdict,
      denylist: flags.denylist,
      timeoutMs,
    })
  ) {
    steps.push(step);
    if (!json) console.log(render(step, Date.now()));
  }
  const failed = steps.find(({ outcome }) => outcome === "failed");
  if (json) console.log(jsonOf({ endpoint, ok: failed === undefined, steps }));
  if (failed !== undefined) Deno.exitCode = exitCodeOf(failed);
}

function exitCodeOf({ problem }: Step): ExitCode {
  return problem?.error === "HandshakeError" ? ExitCode.handshake : ExitCode.unavailable;
}
