import { Command } from "commander";
import { withoutPrivateKeys } from "../../credentials/mod.ts";
import type { Rehearsal } from "../../dispatch/mod.ts";
import {
  escapePeerText,
  NoWorkersAvailable,
  unusable,
  WorkerUnavailable,
} from "../../errors/mod.ts";
import { askAdmin } from "../admin_client.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { credentialsOf } from "../credentials_flags.ts";
import { ExitCode, exitCodeOfFiles } from "../exit_code.ts";
import { readText } from "../files.ts";
import { flag, switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { alignedTable } from "../table.ts";

/** `selvage rehearse`: who would be refused if certificates changed. */
export function rehearseCommand(): Command {
  const command = new Command("rehearse")
    .description("say which peers would be refused under new certificates; nothing is adopted")
    .addOption(
      flag(
        "--admin <PATH>",
        "ask a running worker or dispatcher about the peers that are connected",
      ),
    )
    .addOption(switchFlag("--json", "print one JSON object"))
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "discover", "2s").action(rehearse);
}

const EXAMPLES = `
--ca, --cert and --key are the new ones. With --admin only certificates are sent, never the key; with
--discover a handshake is made with every worker, on a connection that carries no call.

Examples:
  selvage rehearse --ca new-ca.pem --admin /run/math/admin.sock
  selvage rehearse --ca new-ca.pem --cert new.pem --key new.key \\
    --discover dns:math.internal:8443
`;

interface RehearseFlags extends CallerFlags {
  readonly admin?: string;
  readonly json?: boolean;
}

async function rehearse(flags: RehearseFlags): Promise<void> {
  const { admin, discover, json = false } = flags;
  if ((admin === undefined) === (discover === undefined)) {
    throw unusable("--admin", "either --admin or --discover says whose peers are rehearsed");
  }
  const rehearsal = admin === undefined ? await dialled(flags) : await asked(admin, flags);
  const { own, ownInUse = false, refused, peers } = rehearsal;
  const isOwnWrong = own !== undefined && !ownInUse;
  const ok = !isOwnWrong && peers.every(isAccepted);
  printLine(json ? jsonOf({ ok, ...rehearsal }) : render(rehearsal));
  if (isOwnWrong || refused > 0) {
    Deno.exitCode = exitCodeOfFiles(own);
  } else if (!ok) Deno.exitCode = ExitCode.unavailable;
}

/** A client that proves nothing now does not need to afterwards. */
function isAccepted({ outcome }: Rehearsal["peers"][number]): boolean {
  return outcome === "accepted" || outcome === "unproven";
}

async function asked(admin: string, { ca, cert }: RehearseFlags): Promise<Rehearsal> {
  if (ca === undefined || ca.some((file) => /^[^/]*=/.test(file))) {
    throw unusable("--ca", "with --admin, --ca names files of the new authorities of all peers");
  }
  const authorities = await Promise.all(
    ca.map((file) => readText(file, "name the new authorities", "--ca")),
  );
  const request = {
    ask: "rehearse",
    ca: withoutPrivateKeys(authorities.join("\n")),
    // What may stand beside it in one file is not sent.
    ...(cert === undefined ? {} : {
      cert: withoutPrivateKeys(await readText(cert, "name the new certificate", "--cert")),
    }),
  };
  for await (const answer of askAdmin(admin, request)) {
    return answer as unknown as Rehearsal;
  }
  throw new WorkerUnavailable(`the process at ${admin} ended without an answer`, {
    worker: { address: `unix:${admin}` },
    notBegun: true,
  });
}

/** The dispatcher only finds the workers: no connection of it is made under either trust. */
async function dialled(flags: RehearseFlags): Promise<Rehearsal> {
  const credentials = credentialsOf(flags, "caller");
  if (credentials === undefined) {
    throw unusable("--ca", "--ca, --cert and --key name what is rehearsed");
  }
  await using dispatcher = await openDispatcher(flags, "discover");
  const failure = await dispatcher.ready({ timeoutMs: flags.timeout ?? 2_000 })
    .then(() => undefined, (error) => error);
  if (dispatcher.workers().length === 0) {
    throw failure ?? new NoWorkersAvailable("discovery found no worker");
  }
  const { ownInUse: _, ...rehearsal } = await dispatcher.rehearse({ credentials });
  // The dispatcher that finds the workers has the same files; who else uses them is not known.
  return rehearsal;
}

/** The longest line about a peer, in characters. */
const MAX_MESSAGE = 4_096;

function render({ own, ownInUse = false, peers, refused }: Rehearsal): string {
  const lines = alignedTable(
    ["", "PEER", "IDENTITY", "REFUSED BY", "REASON"],
    peers.map(({ address, identity, outcome, refusedBy, reason, peerReason }) => [
      outcome === "accepted" ? "ok" : outcome === "refused" ? "FAIL" : outcome,
      address,
      identity ?? "-",
      refusedBy ?? "",
      peerReason === undefined ? reason ?? "" : `${reason} (${peerReason})`,
    ]),
  );
  for (const { address, message } of peers) {
    if (message !== undefined) {
      lines.push("", escapePeerText(`${address}: ${message}`, MAX_MESSAGE));
    }
  }
  if (own !== undefined) {
    const found = [own.found, own.advice].filter(Boolean).join("; ");
    lines.push("", `our own certificate: ${found}`);
    if (ownInUse) {
      lines.push("it is the one in use: the change would be adopted, and peers refuse it as now");
    }
  }
  lines.push(
    "",
    `${peers.length} ${
      peers.length === 1 ? "peer" : "peers"
    }: ${refused} would be refused; nothing was adopted`,
  );
  return lines.join("\n");
}
