import { Command } from "commander";
import { type Dispatcher, roundRobin } from "../../dispatch/mod.ts";
import { unusable } from "../../errors/mod.ts";
import { pause, systemClock } from "../../observe/mod.ts";
import { type CallerFlags, openDispatcher, withCallerFlags } from "../caller_flags.ts";
import { durationFlag, flag, switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { fleetViews } from "./fleet_top.ts";
import { renderTop, type TopView } from "./top_view.ts";
import { adminViews } from "./admin_top.ts";

/** `selvage top`: a fleet, or one worker or dispatcher, live. */
export function topCommand(): Command {
  const command = new Command("top")
    .description("show a fleet, or one worker or dispatcher and its peers, live; q ends it")
    .addOption(flag("--admin <PATH>", "one worker or dispatcher, from its admin socket"))
    .addOption(durationFlag("--interval <DURATION>", "how often it is drawn").default(1_000, "1s"))
    .addOption(switchFlag("--once", "print one view and end, as where no terminal looks on"))
    .addOption(switchFlag("--json", "print each view as one line of JSON"))
    .addHelpText("after", EXAMPLES);
  return withCallerFlags(command, "discover", "2s").action(top);
}

const EXAMPLES = `
Examples:
  selvage top --admin /run/math/admin.sock
  selvage top --discover dns:math.internal:8443 --ca ca.pem --cert me.pem --key me.key
`;

interface TopFlags extends CallerFlags {
  readonly admin?: string;
  readonly interval: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

async function top(flags: TopFlags): Promise<void> {
  const { admin, discover } = flags;
  if ((admin === undefined) === (discover === undefined)) {
    throw unusable("--admin", "either --admin or --discover says what is shown");
  }
  if (admin !== undefined) return await show(adminViews(admin), flags);
  await using dispatcher = await openDispatcher(flags, "discover", { balancer: roundRobin() });
  // So that every worker is dialled; the row of each shows how it fared.
  const dialled = dispatcher.ready({
    min: Number.MAX_SAFE_INTEGER,
    timeoutMs: flags.timeout ?? 2_000,
  }).catch(() => {});
  if (flags.once === true || !Deno.stdout.isTerminal()) {
    await Promise.race([dialled, allTried(dispatcher)]);
  }
  await show(fleetViews(dispatcher, discover!, flags.timeout), flags);
}

/** Resolves when every worker is connected, or has failed. */
async function allTried(dispatcher: Dispatcher): Promise<void> {
  const never = new AbortController().signal;
  for (;;) {
    const workers = dispatcher.workers();
    const tried = workers.every(({ state }) => state === "ready" || state === "failing");
    if (tried && workers.length > 0) return;
    await pause(systemClock, TRIED_AGAIN_MS, never, {});
  }
}

const TRIED_AGAIN_MS = 50;

async function show(views: AsyncGenerator<TopView>, flags: TopFlags): Promise<void> {
  const { interval, json = false, once = false } = flags;
  const live = Deno.stdout.isTerminal() && !once && !json;
  const until = new AbortController();
  using _screen = live ? screen(() => until.abort()) : undefined;
  for await (const view of views) {
    if (until.signal.aborted) return;
    if (live) draw(view);
    else printLine(json ? jsonOf(view) : renderTop(view, WIDE).join("\n"));
    if (once || (!live && !json)) return;
    await pause(systemClock, interval, until.signal, {});
    if (until.signal.aborted) return;
  }
}

/** Where no terminal looks on, nothing is left out. */
const WIDE = { columns: Number.MAX_SAFE_INTEGER, rows: Number.MAX_SAFE_INTEGER };
/** The alternate screen without a cursor, and back (ECMA-48, xterm). */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Takes the screen, and gives it back; calls back when the person wants to end. */
function screen(end: () => void): Disposable {
  write(ENTER);
  const keys = Deno.stdin.isTerminal();
  if (keys) {
    Deno.stdin.setRaw(true, { cbreak: true });
    void (async () => {
      const key = new Uint8Array(16);
      for (
        let read = await Deno.stdin.read(key);
        read !== null;
        read = await Deno.stdin.read(key)
      ) {
        if (key.subarray(0, read).includes(0x71)) return end();
      }
    })();
  }
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
  return {
    [Symbol.dispose]() {
      if (keys) Deno.stdin.setRaw(false);
      write(LEAVE);
    },
  };
}

function draw(view: TopView): void {
  // Each line is cleared behind its text, and all below the last.
  const lines = renderTop(view, Deno.consoleSize());
  write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
