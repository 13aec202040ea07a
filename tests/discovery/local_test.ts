import assert from "node:assert/strict";
import { ManualClock } from "../support/manual_clock.ts";
import { Watched } from "../support/watched.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { checkDiscovery } from "../../src/testing/mod.ts";
import { localDiscovery } from "../../src/discovery/mod.ts";

const { signal } = new AbortController();
const announcement = { id: "a/b", address: "unix:/run/w.sock", tls: false, tags: ["gpu"] };

async function inFolder(run: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  await Deno.chmod(root, 0o700);
  try {
    await run(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("local discovery keeps to the contract of discoveries", () =>
  inFolder((root) =>
    checkDiscovery(() => localDiscovery("pool", { root, refreshMs: 5 }), { withinMs: 60_000 })
  ));

Deno.test("local discovery sweeps the entry of a process that has died, and reports invalid ones", () =>
  inFolder(async (root) => {
    const discovery = localDiscovery("pool", { root, refreshMs: 5 });
    await using watched = new Watched(discovery);
    await watched.next();
    const died = `${root}/pool/entry-100000-died.json`;
    await Deno.writeTextFile(died, JSON.stringify({ address: "127.0.0.1:1" }));
    await Deno.writeTextFile(`${root}/pool/entry-100000-bad.json`, "{");
    // Neither is one of a worker, however old: one is not waited for, the other not removed.
    const pipe = `${root}/pool/entry-1-pipe.json`;
    assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    await Deno.mkdir(`${root}/pool/entry-1-folder.json`);
    await watched.until((known) => known.length === 1);
    const longAgo = new Date(Date.now() - 200_000);
    await Deno.utime(died, longAgo, longAgo);
    await watched.until((known) => known.length === 0);
    await assert.rejects(Deno.stat(died), Deno.errors.NotFound);
    const rejected = watched.rejected.join();
    assert.match(rejected, /entry-100000-bad\.json is no announcement/);
    assert.match(rejected, /entry-1-pipe\.json is no announcement: it is not a file/);
    assert.match(rejected, /entry-1-folder\.json is no announcement: it is not a file/);
    assert.deepEqual(watched.failures, []);
  }));

Deno.test("an announcement in local discovery that cannot be made leaves no file behind", () =>
  inFolder(async (root) => {
    const discovery = localDiscovery("pool", { root });
    // In the way of the entry.
    await Deno.mkdir(`${root}/pool/entry-15000-a+2Fb.json`, { recursive: true, mode: 0o700 });
    await assert.rejects(discovery.announce(announcement, { signal }));
    const names = await Array.fromAsync(Deno.readDir(`${root}/pool`), ({ name }) => name);
    assert.deepEqual(names, ["entry-15000-a+2Fb.json"]);
  }));

Deno.test("local discovery refreshes an announcement, also where its folder was deleted", () =>
  inFolder(async (root) => {
    const discovery = localDiscovery("pool", { root, refreshMs: 5 });
    await using watched = new Watched(discovery);
    await watched.next();
    // Its own clock: it refreshes when the test has seen what became of the deletion.
    const clock = new ManualClock();
    const announcer = localDiscovery("pool", { root, clock });
    await using _lease = await announcer.announce(announcement, { signal, leaseMs: 3_600_000 });
    await watched.until((known) => known.length === 1);
    await Deno.remove(`${root}/pool`, { recursive: true });
    await watched.until((known) => known.length === 0);
    clock.advance(1_200_000);
    await watched.until((known) => known.length === 1);
    assert.deepEqual(watched.addresses, ["unix:/run/w.sock"]);
  }));

Deno.test("local discovery uses no folder that others can enter", () =>
  inFolder(async (root) => {
    await Deno.mkdir(`${root}/pool`, { mode: 0o755 });
    await Deno.chmod(`${root}/pool`, 0o755);
    const discovery = localDiscovery("pool", { root });
    await assert.rejects(discovery.announce(announcement, { signal }), /of this user alone/);
    await using watched = new Watched(discovery);
    await watched.next();
    assert.match(watched.failures[0]!, /of this user alone/);
    for (const name of ["", "..", "a/b", "x".repeat(65)]) {
      assert.throws(() => localDiscovery(name), ConfigurationError, name);
    }
  }));
