import type { Tally } from "./caller.ts";
import { bars, histogram } from "./plot.ts";
import type { SimulatedWorker } from "./worker.ts";
import { BUSY, World, type WorldSize } from "./world.ts";

/** What a scenario has found: numbers with names. */
export type Findings = Readonly<Record<string, number | string>>;

/** What may happen to a fleet. */
export type Scenario = (size: WorldSize) => Promise<Findings>;

/** Load is even again where the busiest worker has at most this many times the mean. */
const EVEN = 1.3;
/** How wide a bar of the loads is, of their mean. */
const LOAD_STEP = 0.05;
/** How often it is counted how many connections are open again, in milliseconds of virtual time. */
const POLL_MS = 50;
/** No more bars of that are plotted. */
const MOST_BARS = 40;

/** Nothing happens. */
export const steady: Scenario = async (size) => {
  await using world = await World.open(size);
  const tally = world.count();
  await world.clock.run(world.size.seconds * 1_000);
  return {
    ...callsOf(tally),
    ...loadOf(world.serving),
    connections: world.connections,
    "connections a dispatcher": rounded(world.connections / size.dispatchers),
  };
};

/** Every second one worker in a hundred is replaced by a new one, and finishes its calls first. */
export const churn: Scenario = async (size) => {
  await using world = await World.open(size);
  const tally = world.count();
  const each = Math.max(1, Math.round(size.workers / 100));
  let most = 0;
  for (let second = 0; second < 10; second++) {
    const [...serving] = world.serving;
    for (let n = 0; n < each; n++) {
      const [leaving] = serving.splice(Math.floor(world.random() * serving.length), 1);
      await world.addWorker();
      await world.retire(leaving!);
    }
    const before = world.network.counts.begun;
    await world.clock.run(1_000);
    most = Math.max(most, world.network.counts.begun - before);
  }
  const counted = callsOf(tally);
  const dials = world.network.counts.begun / each / 10;
  const { handshakes: _, ...after } = await convergence(world);
  return {
    ...counted,
    "dials in the busiest second": most,
    "dials a worker replaced": rounded(dials),
    ...after,
  };
};

/** Half of the fleet crashes at once and is back after two seconds. */
export const halfRestarts: Scenario = (size) => restart(size, 0.5, 2_000);

/**
 * The whole fleet crashes at once and is back after ten seconds. Meanwhile the callers make a twentieth of their
 * calls: each fails at once.
 */
export const allRestart: Scenario = (size) => restart(size, 1, 10_000);

/** One worker in twenty takes ten times as long as the others. */
export const slowOnes: Scenario = async (size) => {
  await using world = await World.open(size);
  const slow = world.network.workers.filter((_, n) => n % 20 === 0);
  for (const worker of slow) worker.slowness = 10;
  await world.clock.run(5_000);
  const tally = world.count();
  await world.clock.run(world.size.seconds * 1_000);
  const others = world.serving.filter(({ slowness }) => slowness === 1);
  return {
    ...callsOf(tally),
    "calls of a slow worker, of the mean": rounded(meanOf(slow) / meanOf(others)),
    ...loadOf(others),
  };
};

/** One worker in a hundred holds its connections and answers nothing; its peers notice after 30 seconds. */
export const frozenOnes: Scenario = async (size) => {
  await using world = await World.open(size);
  const frozen = world.network.workers.filter((_, n) => n % 100 === 0);
  const tally = world.count();
  for (const worker of frozen) world.network.freeze(worker);
  await world.clock.run(20_000);
  const first = callsOf(tally);
  const after = world.count();
  await world.clock.run(20_000);
  return {
    ...first,
    "failed in the next 20 s": after.failed,
    ...loadOf(world.serving),
  };
};

/** Every scenario by its name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  steady,
  churn,
  "half restarts": halfRestarts,
  "all restart": allRestart,
  "slow ones": slowOnes,
  "frozen ones": frozenOnes,
};

async function restart(size: WorldSize, share: number, downMs: number): Promise<Findings> {
  await using world = await World.open(size);
  const tally = world.count();
  const down = world.network.workers.filter(() => world.random() < share);
  for (const worker of down) worker.crash();
  if (share === 1) world.load(BUSY / 20);
  let most = 0;
  for (let waited = 0; waited < downMs; waited += 1_000) {
    const before = world.network.counts.begun;
    await world.clock.run(1_000);
    most = Math.max(most, world.network.counts.begun - before);
  }
  const during = callsOf(tally);
  const dials = world.network.counts.begun / downMs * 1_000;
  for (const worker of down) worker.start();
  world.load(BUSY);
  const { handshakes, ...after } = await convergence(world);
  return {
    ...during,
    "dials in the busiest second": most,
    "dials a second, of one dispatcher": rounded(dials / size.dispatchers),
    "dials a second, to one worker": rounded(dials / down.length),
    "most handshakes of one worker that is back": handshakes!,
    ...after,
  };
}

/** How long until every worker has its connections again, and the load is even over some time. */
async function convergence(world: World): Promise<Findings> {
  const wanted = world.size.dispatchers * Math.min(world.size.lease, world.size.workers);
  const begun = world.clock.now();
  world.count();
  const open = () =>
    world.callers.reduce(
      (sum, { fleet }) => sum + fleet.endpoints.filter(({ state }) => state === "ready").length,
      0,
    );
  const percentOpen = (): readonly [string, number] => [
    `${(world.clock.now() - begun).toFixed(0)} ms`,
    Math.round(open() / wanted * 100),
  ];
  const course = [percentOpen()];
  while (open() < wanted && world.clock.now() - begun < 120_000) {
    await world.clock.run(POLL_MS);
    if (course.length < MOST_BARS) course.push(percentOpen());
  }
  const connectedMs = open() < wanted ? Infinity : world.clock.now() - begun;
  const handshakes = Math.max(...world.network.workers.map(({ dialled }) => dialled));
  const tally = world.count();
  await world.clock.run(world.size.seconds * 1_000);
  return {
    handshakes,
    "all connected after, s": rounded(connectedMs / 1_000),
    "connections open, of a hundred, by time": bars(course),
    "failed then, all connected": tally.failed,
    ...loadOf(world.serving),
  };
}

function callsOf({ answered, failed, tookMs, failures }: Tally): Findings {
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.floor(share * (tookMs.length - 1))] ?? NaN;
  return {
    calls: answered + failed,
    failed,
    ...Object.fromEntries([...failures].map(([name, count]) => [`  ${name}`, count])),
    "median, ms": rounded(at(0.5)),
    "99 %, ms": rounded(at(0.99)),
  };
}

function loadOf(workers: readonly SimulatedWorker[]): Findings {
  const most = workers.reduce((most, { answered }) => Math.max(most, answered), 0);
  const mean = meanOf(workers);
  const ratio = most / mean;
  return {
    "load, max of mean": rounded(ratio),
    "load is even": ratio <= EVEN ? "yes" : "no",
    "workers without a call": workers.filter(({ answered }) => answered === 0).length,
    "workers by load, of the mean, from": bars(
      histogram(workers.map(({ answered }) => answered / mean), LOAD_STEP),
    ),
  };
}

function meanOf(workers: readonly SimulatedWorker[]): number {
  return workers.reduce((sum, { answered }) => sum + answered, 0) / workers.length;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
