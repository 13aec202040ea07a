import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeResponse, type LanRecord } from "../../src/discovery/lan/message.ts";
import {
  type DiscoveryChange,
  discoveryFromUrl,
  lanDiscovery,
  type LanDiscoveryOptions,
} from "../../src/discovery/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { checkDiscovery } from "../../src/testing/mod.ts";
import { canMakeNetworks, TwoMachines } from "../support/network_namespace.ts";
import { installed } from "../support/program.ts";
import { TestProcess } from "../support/test_process.ts";
import { Watched } from "../support/watched.ts";

/** Whether the kernel has IPv6. */
const speaksIpv6 = existsSync("/proc/net/if_inet6");

/** A fleet of this run of the tests alone. */
function fleetName(): string {
  return `t-${crypto.randomUUID()}`;
}

/** Multicast on loopback, on a port of its own. */
async function onLoopback(): Promise<LanDiscoveryOptions & { readonly port: number }> {
  // Others may bind it although this one is closed a moment later.
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return { interfaces: ["127.0.0.1"], port };
}

/** A clock on which all waits are short, so that workers answer at once and watchers wait for them. */
const hurried: Clock = {
  now: () => systemClock.now(),
  steady: () => systemClock.steady(),
  schedule: (callback, delayMs, options) => systemClock.schedule(callback, delayMs / 50, options),
};

Deno.test("lan discovery keeps to the contract of discoveries", async () => {
  const network = await onLoopback();
  const fleet = fleetName();
  await checkDiscovery(() => ({
    ...lanDiscovery(fleet, network),
    announce: lanDiscovery(fleet, { ...network, clock: hurried }).announce,
  }), { withinMs: 60_000 });
});

Deno.test("lan discovery forgets a worker that died when its records end, and rejects invalid records", async () => {
  const network = await onLoopback();
  const fleet = fleetName();
  await using watched = new Watched(lanDiscovery(fleet, { ...network, settleMs: 0 }));
  assert.deepEqual(await watched.next(), []);
  using neighbour = await Neighbour.on(network.port);
  const service = "_selvage._tcp.local";
  const announce = (id: string, port: number, ttl: number): readonly LanRecord[] => [
    { name: `_${fleet}._sub.${service}`, type: "PTR", ttl, data: `${id}.${service}` },
    { name: `${id}.${service}`, type: "SRV", ttl, data: { target: `${id}.local`, port } },
    { name: `${id}.${service}`, type: "TXT", ttl, data: [] },
    { name: `${id}.local`, type: "A", ttl, data: "127.0.0.1" },
  ];
  await neighbour.say(new Uint8Array([1, 2, 3]));
  await neighbour.say(encodeResponse([...announce("a", 1, 2), ...announce("b", 2, 120)]));
  await neighbour.say(encodeResponse(announce("c", 0, 120)));
  await watched.until((known) => known.length === 2);
  while (watched.rejected.length === 0) await watched.next();
  assert.match(watched.rejected[0]!, /^c\._selvage\._tcp\.local is no announcement: its port is 0/);
  await watched.until((known) => known.length === 1);
  assert.deepEqual(watched.addresses, ["127.0.0.1:2"]);
  assert.deepEqual(watched.failures, []);
});

Deno.test("lan discovery keeps its workers and says so while there is no network", async () => {
  // An address of documentation (RFC 5737), which is no interface of this machine.
  const nowhere = lanDiscovery("pool", { interfaces: ["192.0.2.77"], settleMs: 0 });
  await using watched = new Watched(nowhere);
  const [failed] = await watched.next();
  assert.equal(failed?.kind, "failed");
  assert.match(watched.failures[0]!, /^multicast DNS on 192\.0\.2\.77: /);
  const { signal } = new AbortController();
  const announcement = { id: "w", address: "127.0.0.1:1", tls: true, tags: [] };
  await assert.rejects(
    nowhere.announce(announcement, { signal }),
    /multicast DNS on 192\.0\.2\.77/,
  );
});

Deno.test("lan discovery is written lan:FLEET", () => {
  assert.equal(discoveryFromUrl("lan:pool").source, "lan:pool");
  assert.equal(
    discoveryFromUrl("lan:pool?interface=10.0.0.1&interface=10.1.0.1&port=5354").source,
    "lan:pool",
  );
  const wrong = ["lan:", "lan:a.b", "lan:-a", `lan:${"a".repeat(63)}`, "lan:a?x=1"];
  for (const url of [...wrong, "lan:a?port=0", "lan:a?port=x", "lan:a?interface=eth0"]) {
    assert.throws(() => discoveryFromUrl(url), ConfigurationError, url);
  }
});

const avahi = ["avahi-daemon", "avahi-publish-service", "avahi-browse", "dbus-daemon", "unshare"]
  .map((name) => installed(name)).every((path) => path !== undefined);

Deno.test({
  name: "lan discovery finds Avahi's workers and ours between machines, and Avahi finds ours",
  ignore: !avahi || !canMakeNetworks,
  async fn() {
    using machines = new TwoMachines();
    const fleet = fleetName();
    await using foreign = new Browsing(machines, 0, fleet);
    await using near = new Watching(machines, 0, [fleet, "near"]);
    await using far = new Watching(machines, 1, [fleet, "far"]);
    const there = (port: number) => (known: readonly string[]) =>
      known.includes(`10.77.0.1:${port}`) && known.includes("10.77.0.2:8443");
    await far.until((known) => there(8443)(known) && there(1234)(known));
    await near.until((known) => there(8443)(known) && there(1234)(known));
    assert.deepEqual(far.workers.get("10.77.0.1:1234"), {
      address: "10.77.0.1:1234",
      id: "foreign",
      tags: ["foreign"],
    });
    assert.deepEqual(far.workers.get("10.77.0.1:8443")?.tags, ["near"]);
    await foreign.until((line) => /^=;.*;10\.77\.0\.2;8443;.*"id=far"/.test(line));
    // Avahi's own publisher ends in order, and so does one of ours: goodbye is heard at once.
    foreign.unpublish();
    await far.until((known) => !known.includes("10.77.0.1:1234"));
    await near.end();
    await far.until((known) => known.join() === "10.77.0.2:8443");
  },
});

Deno.test({
  name: "lan discovery finds workers over IPv6 where machines have no other addresses",
  ignore: !canMakeNetworks || !speaksIpv6,
  async fn() {
    using machines = new TwoMachines();
    for (const machine of [0, 1] as const) {
      machines.configure(machine, "addr", "flush", "dev", "eth0", "scope", "global");
      const address = `fd77::${machine + 1}/64`;
      machines.configure(machine, "addr", "add", address, "dev", "eth0", "nodad");
    }
    const fleet = fleetName();
    await using near = new Watching(machines, 0, [fleet, "near"]);
    await using far = new Watching(machines, 1, [fleet, "far"]);
    const both = "[fd77::1]:8443,[fd77::2]:8443";
    for (const each of [near, far]) await each.until((known) => known.join() === both);
    assert.deepEqual(far.workers.get("[fd77::1]:8443")?.tags, ["near"]);
    await near.end();
    await far.until((known) => known.join() === "[fd77::2]:8443");
  },
});

/** Another host on the network. */
class Neighbour implements Disposable {
  readonly #socket = createSocket({ type: "udp4", reuseAddr: true });
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
  }

  static async on(port: number): Promise<Neighbour> {
    const neighbour = new Neighbour(port);
    const { promise, resolve } = Promise.withResolvers<void>();
    neighbour.#socket.bind({ address: "0.0.0.0", port }, resolve);
    await promise;
    neighbour.#socket.setMulticastInterface("127.0.0.1");
    return neighbour;
  }

  say(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.send(
      bytes,
      this.#port,
      "224.0.0.251",
      (error) => error ? reject(error) : resolve(),
    );
    return promise;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** A program on one of two machines, of which lines are awaited. */
abstract class Program implements AsyncDisposable {
  readonly process: TestProcess;
  #news = Promise.withResolvers<void>();

  constructor(machines: TwoMachines, machine: 0 | 1, program: string, args: readonly string[]) {
    const [path, words] = machines.on(machine, program, args);
    this.process = new TestProcess(path, {
      args: words,
      input: true,
      onLine: (line) => {
        this.heard(line);
        this.#news.resolve();
      },
    });
  }

  protected abstract heard(line: string): void;

  protected async news(): Promise<void> {
    const ended = this.process.ended.then(() => Promise.reject(new Error("the program has ended")));
    await Promise.race([this.#news.promise, ended]);
    this.#news = Promise.withResolvers<void>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** Our own discovery on a machine. */
class Watching extends Program {
  readonly workers = new Map<string, (DiscoveryChange & { readonly kind: "added" })["worker"]>();

  constructor(machines: TwoMachines, machine: 0 | 1, args: readonly string[]) {
    const module = fileURLToPath(new URL("./lan_main.ts", import.meta.url));
    super(machines, machine, Deno.execPath(), [
      "run",
      "--no-prompt",
      "--quiet",
      "-A",
      module,
      ...args,
    ]);
  }

  protected override heard(line: string): void {
    for (const change of JSON.parse(line) as DiscoveryChange[]) {
      if (change.kind === "removed") this.workers.delete(change.address);
      else if ("worker" in change) this.workers.set(change.worker.address, change.worker);
    }
  }

  async until(holds: (known: readonly string[]) => boolean): Promise<void> {
    while (!holds([...this.workers.keys()].sort())) await this.news();
  }

  /** Says goodbye. */
  async end(): Promise<void> {
    await this.process.closeInput();
    await this.process.ended;
  }
}

/** Avahi on a machine. */
class Browsing extends Program {
  readonly #lines: string[] = [];

  constructor(machines: TwoMachines, machine: 0 | 1, fleet: string) {
    const script = fileURLToPath(new URL("./avahi.sh", import.meta.url));
    const apart = ["--mount", "--pid", "--fork", "--kill-child", "sh", script, fleet];
    super(machines, machine, "unshare", apart);
  }

  protected override heard(line: string): void {
    this.#lines.push(line);
  }

  async until(holds: (line: string) => boolean): Promise<void> {
    while (!this.#lines.some(holds)) await this.news();
  }

  /** Ends its publisher. */
  unpublish(): void {
    void this.process.writeText("\n");
  }
}
