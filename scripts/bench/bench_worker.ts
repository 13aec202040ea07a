/**
 * Workers in a process of their own. The settings come on standard input as one line of JSON, the addresses go to
 * standard output as another; the process ends with its standard input.
 *
 * @module
 */
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { Credentials } from "../../mod.ts";
import { routine } from "../../src/contract/mod.ts";
import type { CredentialPem } from "../../src/credentials/mod.ts";
import type { PolicyRule } from "../../src/policy/mod.ts";
import { readLines } from "../../src/pool/line_reader.ts";
import type { JwtOptions } from "../../src/worker/entry.ts";
// As a whole: commits that are measured as a baseline may lack parts of it.
import * as entry from "../../src/worker/entry.ts";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import * as routines from "./routines.ts";

/** What the workers are started with. */
export interface WorkerSettings {
  /** Their certificate. Default: none, plaintext. */
  readonly pem?: CredentialPem;
  /** Where they listen. Default: a free port of the loopback. */
  readonly listen?: string;
  /** How many workers. Default 1. */
  readonly workers?: number;
  /** How many more routines each serves. Default none. */
  readonly routines?: number;
  /** How many rules its policy has, of which the last allows the calls. Default: there is no policy. */
  readonly rules?: number;
  /** The tokens that are verified. Default: none. */
  readonly tokens?: JwtOptions;
  /** Listens through `Deno.listenTls`. Default false. */
  readonly nativeTls?: boolean;
}

/** The largest payload that is measured, and room for its envelope. */
export const MESSAGE_BYTES = 17 * 1024 * 1024;

/** Echoes, repeats and counts, and nothing else: what tests use reads the headers of each request, too. */
const plainEcho: Partial<ServiceImpl<typeof EchoService>> = {
  echo: ({ text, data }) => ({ text, data }),
  async *repeat({ data, count }) {
    for (let n = 0; n < count; n++) yield { data };
  },
  async collect(requests) {
    let bytes = 0;
    for await (const { data } of requests) bytes += data.length;
    return { text: String(bytes) };
  },
};

if (import.meta.main) await main();

async function main(): Promise<void> {
  const lines = readLines(Deno.stdin.readable);
  const { value: line = "{}" } = await lines.next();
  const settings: WorkerSettings = JSON.parse(line);
  const workers = await Promise.all(
    Array.from({ length: settings.workers ?? 1 }, () => start(settings)),
  );
  console.log(JSON.stringify(workers.map(({ address }) => address)));
  await lines.next();
  Deno.exit();
}

async function start(settings: WorkerSettings): Promise<entry.WorkerServer> {
  const { pem, listen, rules, tokens, nativeTls } = settings;
  const more = Array.from(
    { length: settings.routines ?? 0 },
    (_, n) => routine(`bench.more.r${n}`, (value: number) => value),
  );
  return await entry.WorkerServer.start({
    routines: [...Object.values(routines), ...more],
    services: (router: ConnectRouter) => void router.service(EchoService, plainEcho),
    limits: {
      concurrency: 2048,
      messageBytes: MESSAGE_BYTES,
      // Room for 256 messages of 1 MiB at once, on the one connection, which may take a quarter.
      gatheredBytes: 2 ** 31,
      connectionsPerAddress: 4096,
      connectionsPerIdentity: 4096,
    },
    ...(pem !== undefined && { credentials: Credentials.fromPem(pem) }),
    ...(pem !== undefined && pem.oneWay !== true && { allow: "*" }),
    ...(listen !== undefined && { listen }),
    ...(rules !== undefined && { policy: { rules: rulesOf(rules) } }),
    ...(tokens !== undefined && { authenticate: entry.jwt(tokens) }),
    ...(nativeTls === true && { nativeTls }),
  });
}

/** Rules of every kind that come before the one that decides, a quarter of them about the routine that is called. */
function rulesOf(count: number): PolicyRule[] {
  const what = [routines.add.name];
  const others = Array.from({ length: count - 1 }, (_, n): PolicyRule => {
    const who = [`spiffe://bench.local/team${n}/*`];
    switch (n % 4) {
      case 0:
        return { effect: "deny", who: [`spiffe://bench.local/caller${n}`], what };
      case 1:
        return { effect: "allow", who, what: [`team${n}.*`, `acme.v${n}.Service/*`] };
      case 2:
        return { effect: "allow", what: [`team${n}.read`] };
      default:
        return { effect: "deny", who, what };
    }
  });
  return [...others, { effect: "allow", who: ["spiffe://bench.local/caller"], what: ["**"] }];
}
