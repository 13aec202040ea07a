import assert from "node:assert/strict";
import { canMakeNetworks } from "../support/network_namespace.ts";
import { FAR, Ground, NEAR, NEAR_ADDRESS } from "./ground.ts";

const FAR_IP = "10.77.0.2";
const FAR_ADDRESS = `${FAR_IP}:8443`;
const NEAR_IP = "10.77.0.1";
/** An address that the far machine has besides, and that moves. */
const MOVING_IP = "10.77.0.9";
const MOVING_ADDRESS = `${MOVING_IP}:8443`;

/** How often the cable is cut in each way; in one round it is cut in two of three. */
const ROUNDS = Number(Deno.env.get("CHAOS_ROUNDS") ?? 1);

if (!canMakeNetworks) {
  console.log("skipped: the tests with network namespaces need root and `ip netns`");
}

function chaos(name: string, test: (ground: Ground) => Promise<void>): void {
  Deno.test(name, { ignore: !canMakeNetworks }, async () => {
    await using ground = new Ground();
    await ground.worker(NEAR, "near", NEAR_ADDRESS);
    await test(ground);
  });
}

chaos(
  "a worker behind a cut cable, both ways and either way, costs only the calls that it held",
  async (ground) => {
    const { network } = ground;
    await ground.worker(FAR, "far", FAR_ADDRESS);
    ground.found(NEAR_ADDRESS, FAR_ADDRESS);
    const caller = ground.call();
    await caller.answeredBy("far");
    const both = [[NEAR, FAR_IP], [FAR, NEAR_IP]] as const;
    const cuts = ROUNDS === 1 ? [both, both.slice(0, 1)] : Array.from(
      { length: ROUNDS },
      () => [both, both.slice(0, 1), both.slice(1)],
    ).flat();
    for (const cut of cuts) {
      for (const [from, to] of cut) network.lose(from, to);
      // The callers come back from the worker that is out of reach, and others serve them.
      await caller.answeredBy("near", 200);
      for (const [from, to] of cut) network.deliver(from, to);
      await caller.answeredBy("far");
    }
    assert.deepEqual(await ground.contradictions(FAR_ADDRESS), []);
  },
);

chaos(
  "a worker that is stopped accepts and answers nothing: it costs the calls that it held, and is back",
  async (ground) => {
    const far = await ground.worker(FAR, "far", FAR_ADDRESS);
    ground.found(NEAR_ADDRESS, FAR_ADDRESS);
    const caller = ground.call();
    await caller.answeredBy("far");
    const silent = caller.next((report) =>
      "refused" in report && report.refused === FAR_ADDRESS && report.reason === "handshake-timeout"
    );
    Deno.kill(far.pid, "SIGSTOP");
    // Its connection is given up, and the next one gets no answer either.
    await silent;
    await caller.answeredBy("near", 200);
    Deno.kill(far.pid, "SIGCONT");
    await caller.answeredBy("far");
    assert.deepEqual(await ground.contradictions(FAR_ADDRESS), []);
  },
);

chaos(
  "a worker that moves to another address serves there with the same certificate",
  async (ground) => {
    const { network } = ground;
    await ground.worker(FAR, "far", "0.0.0.0:8443");
    ground.found(NEAR_ADDRESS, FAR_ADDRESS);
    const caller = ground.call();
    await caller.answeredBy("far");
    // Another network, for the addresses of one go together.
    network.configure(NEAR, "addr", "add", "10.78.0.1/24", "dev", "eth0");
    network.configure(FAR, "addr", "add", "10.78.0.2/24", "dev", "eth0");
    const moved = caller.next((report) =>
      "connected" in report && report.connected === "10.78.0.2:8443"
    );
    ground.found(NEAR_ADDRESS, "10.78.0.2:8443");
    await moved;
    network.configure(FAR, "addr", "del", `${FAR_IP}/24`, "dev", "eth0");
    await caller.answeredBy("far");
    assert.deepEqual(await ground.contradictions(FAR_ADDRESS), []);
  },
);

chaos(
  "another worker at a known address is refused by its identity, until the right one is back",
  async (ground) => {
    const { network } = ground;
    network.configure(FAR, "addr", "add", `${MOVING_IP}/24`, "dev", "eth0");
    const far = await ground.worker(FAR, "far", MOVING_ADDRESS);
    ground.found(NEAR_ADDRESS, MOVING_ADDRESS);
    const caller = ground.call();
    await caller.answeredBy("far");
    far.kill();
    await far.ended;
    // The address goes to another machine, where another worker listens that the same authority vouches for.
    network.configure(FAR, "addr", "del", `${MOVING_IP}/24`, "dev", "eth0");
    network.configure(NEAR, "addr", "add", `${MOVING_IP}/24`, "dev", "eth0");
    const refused = caller.next((report) =>
      "refused" in report && report.refused === MOVING_ADDRESS &&
      report.reason === "identity-mismatch"
    );
    const other = await ground.worker(
      NEAR,
      "other",
      MOVING_ADDRESS,
      "spiffe://example.org/other",
    );
    await refused;
    await caller.answeredBy("near");
    other.kill();
    await other.ended;
    network.configure(NEAR, "addr", "del", `${MOVING_IP}/24`, "dev", "eth0");
    network.configure(FAR, "addr", "add", `${MOVING_IP}/24`, "dev", "eth0");
    await ground.worker(FAR, "far again", MOVING_ADDRESS);
    await caller.answeredBy("far again");
    assert.deepEqual(await ground.contradictions(MOVING_ADDRESS), []);
    assert.ok(!caller.reports.some((report) => "by" in report && report.by === "other"));
  },
);

chaos("a cable that loses packets costs no call that was not at its worker", async (ground) => {
  const { network } = ground;
  await ground.worker(FAR, "far", FAR_ADDRESS);
  ground.found(NEAR_ADDRESS, FAR_ADDRESS);
  const caller = ground.call();
  await caller.answeredBy("far");
  for (const machine of [NEAR, FAR] as const) {
    const lossy = network.shape(machine, "netem", "loss", "5%", "delay", "20ms", "10ms") ||
      // What does not fit into the queue is lost.
      network.shape(machine, "tbf", "rate", "64kbit", "burst", "2kb", "limit", "2500");
    if (!lossy) return console.log("skipped: this kernel has neither netem nor tbf");
  }
  await caller.answeredBy("far", 40);
  for (const machine of [NEAR, FAR] as const) network.unshape(machine);
  await caller.answeredBy("far");
  assert.deepEqual(await ground.contradictions(FAR_ADDRESS), []);
});

/** How much longer a call takes over a cable that delays, in milliseconds; over one that does not, it takes a few. */
const DELAYED_MS = 100;

chaos("a cable that delays packets costs no call", async (ground) => {
  const { network } = ground;
  await ground.worker(FAR, "far", FAR_ADDRESS);
  ground.found(NEAR_ADDRESS, FAR_ADDRESS);
  const caller = ground.call();
  await caller.answeredBy("far");
  for (const machine of [NEAR, FAR] as const) {
    const slow = network.shape(machine, "netem", "delay", "100ms", "40ms") ||
      // A narrow cable with a long queue: what waits there is late, and nothing is lost.
      network.shape(machine, "tbf", "rate", "16kbit", "burst", "2kb", "latency", "20s");
    if (!slow) return console.log("skipped: this kernel has neither netem nor tbf");
  }
  await caller.next(
    (report) => "by" in report && report.by === "far" && report.tookMs >= DELAYED_MS,
    20,
  );
  for (const machine of [NEAR, FAR] as const) network.unshape(machine);
  await caller.answeredBy("far");
  assert.deepEqual(await ground.contradictions(FAR_ADDRESS), []);
  assert.deepEqual(caller.reports.filter((report) => "failed" in report), []);
});
