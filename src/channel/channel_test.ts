import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import type { ByteChannel } from "../http2/mod.ts";
import {
  checksum,
  firstBytesOf,
  KINDS,
  pairOf,
  Recorder,
} from "../../tests/support/channel_pair.ts";
import { dialChannel } from "./mod.ts";

for (const kind of KINDS) {
  const first = firstBytesOf(kind);

  Deno.test(`a ${kind} channel carries what is written, in order and whole`, async () => {
    await using pair = await pairOf(kind);
    const far = new Recorder(pair.far.channel);
    new Recorder(pair.near.channel);
    let sum = 0;
    let written = 0;
    const sizes = [1, 9, 16_384, 65_536, 200_000, 1_000_000, 3];
    for (const size of sizes) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 7 + size) & 0xff);
      sum = checksum(bytes, sum);
      pair.near.channel.write(bytes, () => written += 1);
    }
    const total = sizes.reduce((all, size) => all + size, first);
    await far.until(() => far.bytes === total);
    assert.equal(far.sum, sum);
    assert.equal(written, sizes.length);
  });

  Deno.test(`a ${kind} channel that ends on both sides reports ended, then closed, once`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    pair.near.channel.end();
    await far.until(() => far.reported.includes("ended"));
    pair.far.channel.write(new Uint8Array(3), () => {});
    pair.far.channel.end();
    await Promise.all([near, far].map((one) => one.until(() => one.reported.length === 2)));
    assert.equal(near.bytes, 3);
    assert.deepEqual(near.reported, ["ended", "closed"]);
    assert.deepEqual(far.reported, ["ended", "closed"]);
  });

  Deno.test(`a ${kind} channel that is destroyed closes at both ends`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    pair.near.channel.destroy();
    await near.until(() => near.reported.includes("closed"));
    await far.until(() => far.reported.length > 0);
    assert.deepEqual(near.reported, ["closed"]);
  });

  Deno.test(`a ${kind} channel that is paused stops its writer and loses nothing`, async () => {
    await using pair = await pairOf(kind);
    const far = new Recorder(pair.far.channel);
    new Recorder(pair.near.channel);
    pair.far.channel.pause();
    const paused = writeChunks(pair.near.channel);
    // What is written later to a reader that is not paused has long arrived.
    await using control = await pairOf(kind);
    new Recorder(control.far.channel);
    new Recorder(control.near.channel);
    await writeChunks(control.near.channel).all;
    assert.ok(far.bytes < 4 * 1024 * 1024, `${far.bytes} bytes arrived`);
    assert.ok(paused.written < CHUNKS / 2, `${paused.written} of ${CHUNKS} chunks left`);
    pair.far.channel.resume();
    await paused.all;
    await far.until(() => far.bytes === CHUNKS * CHUNK_BYTES + first);
  });
}

/** Far more than the system's buffers and ours hold. */
const CHUNKS = 96;
const CHUNK_BYTES = 256 * 1024;

/** Writes all chunks at once; `written` counts those that have left, `all` resolves with the last. */
function writeChunks(
  channel: ByteChannel,
): { readonly written: number; readonly all: Promise<void> } {
  const all = Promise.withResolvers<void>();
  const progress = { written: 0, all: all.promise };
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < CHUNKS; at += 1) {
    channel.write(chunk, () => {
      progress.written += 1;
      if (progress.written === CHUNKS) all.resolve();
    });
  }
  return progress;
}

Deno.test("a channel keeps what arrives before it is started", async () => {
  await using pair = await pairOf("tls");
  pair.near.channel.write(new TextEncoder().encode("early"), () => {});
  pair.near.channel.end();
  const far = new Recorder(pair.far.channel);
  await far.until(() => far.reported.includes("ended"));
  assert.equal(far.bytes, 5);
});

Deno.test("a channel that broke before it was started says so when it is", async () => {
  await using pair = await pairOf("plain");
  pair.far.channel.destroy();
  const far = new Recorder(pair.far.channel);
  await far.until(() => far.reported.length > 0);
  assert.deepEqual(far.reported, ["closed"]);
});

// TLS moves onto the socket's handle within a few turns of quiet: the cases above begin before that.
Deno.test("a tls channel that has been in use stops its writer where it is paused, and ends on both sides", async () => {
  await using pair = await pairOf("tls");
  const near = new Recorder(pair.near.channel);
  const far = new Recorder(pair.far.channel);
  const rounds = 20;
  for (let round = 1; round <= rounds; round++) {
    pair.near.channel.write(new Uint8Array(1), () => {});
    await far.until(() => far.bytes === round);
    pair.far.channel.write(new Uint8Array(1), () => {});
    await near.until(() => near.bytes === round);
  }
  pair.far.channel.pause();
  const chunk = Uint8Array.from({ length: 256 * 1024 }, (_, at) => at & 0xff);
  const count = 96;
  let written = 0;
  const all = Promise.withResolvers<void>();
  for (let at = 0; at < count; at++) {
    pair.near.channel.write(chunk, () => {
      if (++written === count) all.resolve();
    });
  }
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(far.bytes, rounds);
  assert.ok(written < count, "the writer is held up");
  pair.far.channel.resume();
  await all.promise;
  await far.until(() => far.bytes === rounds + count * chunk.length);
  pair.near.channel.end();
  await far.until(() => far.reported.includes("ended"));
  pair.far.channel.write(new Uint8Array(3), () => {});
  pair.far.channel.end();
  await Promise.all([near, far].map((one) => one.until(() => one.reported.length === 2)));
  assert.equal(near.bytes, rounds + 3);
  assert.deepEqual([near.reported, far.reported], [["ended", "closed"], ["ended", "closed"]]);
});

Deno.test("a tls channel that has been in use reports a peer that is gone", async () => {
  await using pair = await pairOf("tls");
  const near = new Recorder(pair.near.channel);
  const far = new Recorder(pair.far.channel);
  for (let round = 1; round <= 20; round++) {
    pair.near.channel.write(new Uint8Array(1), () => {});
    await far.until(() => far.bytes === round);
    pair.far.channel.write(new Uint8Array(1), () => {});
    await near.until(() => near.bytes === round);
  }
  for (let at = 0; at < 100; at++) pair.near.channel.write(new Uint8Array(1024 * 1024), () => {});
  pair.far.channel.destroy();
  await near.until(() => near.reported.at(-1) === "closed" || near.reported.at(-1) === "broken");
  await far.until(() => far.reported.includes("closed"));
});

Deno.test("what a peer sent first is known also once the receiver has given its buffer back", async () => {
  const server = createServer((socket) => socket.end(new Uint8Array(100_000).fill(7)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const opened = await dialChannel({ kind: "tcp", host: "127.0.0.1", port }, {
      signal: { timeout: new AbortController().signal },
    });
    assert.ok(opened.ok);
    await new Promise<void>((resolve) => {
      opened.channel.start({ received: () => true, ended: resolve, closed: () => {} });
    });
    assert.deepEqual(opened.firstBytes(), new Uint8Array(16).fill(7));
    opened.channel.destroy();
  } finally {
    server.close();
  }
});
