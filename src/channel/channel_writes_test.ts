import assert from "node:assert/strict";
import {
  checksum,
  firstBytesOf,
  KINDS,
  pairOf,
  Recorder,
} from "../../tests/support/channel_pair.ts";

for (const kind of KINDS) {
  const first = firstBytesOf(kind);

  Deno.test(`a ${kind} channel sends what waits, in order, before it ends`, async () => {
    await using pair = await pairOf(kind);
    const far = new Recorder(pair.far.channel);
    new Recorder(pair.near.channel);
    const order: number[] = [];
    const sizes = [1, 70_000, 5, 20_000, 20_000, 20_000, 3, 200_000, ...tiny(500)];
    let sum = 0;
    const all = Promise.withResolvers<void>();
    sizes.forEach((size, at) => {
      const bytes = new Uint8Array(size).fill(at);
      sum = checksum(bytes, sum);
      pair.near.channel.write(bytes, () => {
        if (order.push(at) === sizes.length) all.resolve();
      });
    });
    pair.near.channel.end();
    pair.near.channel.write(new Uint8Array(7), () => assert.fail("written after the end"));
    await Promise.all([all.promise, far.until(() => far.reported.includes("ended"))]);
    assert.equal(far.bytes, sizes.reduce((total, size) => total + size, first));
    assert.equal(far.sum, sum);
    assert.deepEqual(order, sizes.map((_, at) => at));
  });

  Deno.test(`a ${kind} channel is written to from what it reports`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    const rounds = 300;
    let left = rounds;
    const write = (): void => {
      if (left-- > 0) pair.near.channel.write(new Uint8Array(100).fill(left), write);
    };
    const { received } = far;
    far.received = (bytes) => {
      pair.far.channel.write(Uint8Array.from(bytes), () => {});
      return received.call(far, bytes);
    };
    write();
    await near.until(() => near.bytes === rounds * 100);
    assert.equal(far.bytes, rounds * 100 + first);
    assert.equal(near.sum, far.sum);
  });

  Deno.test(`a ${kind} channel that does not read reports a peer that is gone, and no write after that`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    pair.far.channel.write(new Uint8Array(1), () => {});
    await near.until(() => near.bytes === 1);
    pair.near.channel.pause();
    pair.far.channel.pause();
    let written = 0;
    for (let at = 0; at < 96; at++) {
      pair.near.channel.write(new Uint8Array(256 * 1024), () => written++);
    }
    pair.far.channel.destroy();
    await far.until(() => far.reported.includes("closed"));
    await near.until(() => near.reported.length > 0);
    assert.deepEqual(near.reported, ["broken"]);
    assert.match(codeOf(near.error), /^(EPIPE|ECONNRESET)$/);
    const before = written;
    pair.near.channel.write(new Uint8Array(1), () => written++);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(written, before);
  });
}

function tiny(count: number): number[] {
  return Array.from({ length: count }, (_, at) => 1 + at % 9);
}

function codeOf(error: Error | undefined): string {
  return String((error as { code?: unknown } | undefined)?.code);
}
