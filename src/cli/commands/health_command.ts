import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Command } from "commander";
import { unusable, WorkerUnavailable } from "../../errors/mod.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { exitCodeOf } from "../failure.ts";
import { ExitCode } from "../exit_code.ts";
import { jsonFlag, printResult, type ResultFlags } from "../result.ts";
import { errorBehind } from "../transport_error.ts";
import { durationFlag, flag } from "../flag.ts";

/** `selvage health`: asks a worker whether it is serving. */
export function healthCommand(): Command {
  const command = new Command("health").description("ask a worker whether it serves")
    .addOption(
      durationFlag("--wait <DURATION>", "how long to go on asking until it does", "ask once"),
    )
    .addOption(jsonFlag())
    .addOption(flag("--service <NAME>", "a service's full name", "the whole worker"))
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "endpoint", "5s, or --wait").action(health);
}

const EXAMPLES = `
Examples:
  selvage health --endpoint 127.0.0.1:8443 --ca ca.pem --cert me.pem --key me.key \\
    --identity spiffe://example.org/worker
  selvage health --endpoint unix:/run/math/worker.sock --wait 60s
  selvage health --endpoint 127.0.0.1:8443 --service acme.v1.EchoService
`;

interface HealthFlags extends CallerFlags, ResultFlags {
  readonly wait?: number;
  readonly service?: string;
}

/** How long to wait before a worker that does not serve is asked again. */
const ASK_AGAIN_MS = 200;

async function health(flags: HealthFlags): Promise<void> {
  const until = Date.now() + (flags.wait ?? 0);
  await using dispatcher = await openDispatcher(flags, "endpoint");
  const client = createClient(Health, dispatcher.transport);
  for (;;) {
    const left = until - Date.now();
    const timeoutMs = flags.timeout ?? Math.max(5_000, left);
    try {
      const { status } = await client.check({ service: flags.service ?? "" }, { timeoutMs });
      if (status === Status.SERVING) {
        return printResult(flags, () => [Status[status]], [{ status: Status[status] }]);
      }
      if (left <= 0) {
        const [address = ""] = dispatcher.workers().map(({ address }) => address);
        throw notServing(address, Status[status] ?? "UNKNOWN");
      }
    } catch (thrown) {
      const error = unknownService(thrown, flags) ?? errorBehind(thrown);
      // A worker that is not up yet is what is waited for; a refusal will not go away by itself.
      if (left <= 0 || exitCodeOf(error) !== ExitCode.unavailable) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** A worker answers so for a service that it does not know (grpc.health.v1, `Check`). */
function unknownService(thrown: unknown, { service }: HealthFlags): Error | undefined {
  if (service === "" || ConnectError.from(thrown).code !== Code.NotFound) return undefined;
  return unusable("--service", `the worker serves no ${service}`);
}

function notServing(address: string, status: string): WorkerUnavailable {
  return new WorkerUnavailable(`worker ${address} answers ${status}`, {
    worker: { address },
    notBegun: false,
  });
}
