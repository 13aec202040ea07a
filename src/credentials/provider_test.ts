import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import { makeAuthorities, makeCertificate } from "../../tests/support/certificates.ts";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { type CredentialPem, Credentials } from "./mod.ts";

const { root } = makeAuthorities();

function issued(): CredentialPem {
  const leaf = makeCertificate({ issuer: root, names: [{ dns: "worker.internal" }] });
  return { ca: root.pem, cert: leaf.pem, key: leaf.keyPem };
}

/** A provider whose answers the test gives, one by one. */
class Answers {
  calls = 0;
  signal: AbortSignal | undefined;
  #next = Promise.withResolvers<CredentialPem>();
  #asked = Promise.withResolvers<void>();

  readonly provide = (signal: AbortSignal): Promise<CredentialPem> => {
    this.calls += 1;
    this.signal = signal;
    this.#asked.resolve();
    return this.#next.promise;
  };

  async give(answer: CredentialPem | Error): Promise<void> {
    await this.#asked.promise;
    const next = this.#next;
    this.#next = Promise.withResolvers();
    this.#asked = Promise.withResolvers();
    if (answer instanceof Error) next.reject(answer);
    else next.resolve(answer);
    // Every continuation of the answer runs before the next macrotask.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}

async function opened(options: { refreshMs: number }) {
  const answers = new Answers();
  const clock = new ManualClock(Date.now());
  const observer = new RecordingObserver();
  const first = issued();
  const opening = Credentials.provider(answers.provide, options).open({ clock, observer });
  await answers.give(first);
  return { answers, clock, observer, first, source: await opening };
}

Deno.test("Credentials.provider() asks again within a minute where refreshMs passed while the machine was suspended", async () => {
  const { answers, clock, source } = await opened({ refreshMs: 3_600_000 });
  await using _source = source;
  clock.suspend(3_600_000);
  clock.advance(60_000);
  assert.equal(answers.calls, 2);
});

Deno.test("Credentials.provider() asks again after refreshMs and takes what is new", async () => {
  const { answers, clock, observer, source } = await opened({ refreshMs: 60_000 });
  await using _source = source;
  const taken: number[] = [];
  using _subscription = source.subscribe(({ generation }) => taken.push(generation));
  const before = source.current();
  clock.advance(59_999);
  assert.equal(answers.calls, 1);
  clock.advance(1);
  await answers.give(issued());
  assert.equal(answers.calls, 2);
  assert.deepEqual(taken, [2]);
  assert.equal(source.current().generation, 2);
  const [rotated] = observer.of("credentials.rotated");
  assert.equal(rotated?.previousFingerprint, before.fingerprint);
  assert.equal(rotated?.fingerprint, source.current().fingerprint);
  assert.deepEqual(rotated?.identities, ["dns:worker.internal"]);
  assert.equal(rotated?.certificate?.fingerprint, source.current().own?.summary.fingerprint);
});

Deno.test("Credentials.provider() reports no unchanged answer", async () => {
  const { answers, clock, observer, source, first } = await opened({ refreshMs: 60_000 });
  await using _source = source;
  clock.advance(60_000);
  await answers.give(first);
  assert.equal(source.current().generation, 1);
  assert.deepEqual(observer.events, []);
});

Deno.test("Credentials.provider() is never called twice at a time", async () => {
  const { answers, clock, source } = await opened({ refreshMs: 1_000 });
  await using _source = source;
  clock.advance(1_000);
  assert.equal(answers.calls, 2);
  clock.advance(3_600_000);
  assert.equal(answers.calls, 2);
  await answers.give(issued());
  clock.advance(1_000);
  assert.equal(answers.calls, 3);
});

Deno.test("Credentials.provider() keeps the last good on failure, reports it, and asks again sooner", async () => {
  const { answers, clock, observer, source } = await opened({ refreshMs: 60_000 });
  await using _source = source;
  clock.advance(60_000);
  await answers.give(new Error("the vault is\nsealed"));
  assert.equal(source.current().generation, 1);
  const [rejected] = observer.of("credentials.rejected");
  assert.equal(rejected?.reason, "provider-failed");
  assert.equal(rejected?.message, "provider: Error: the vault is\\nsealed");
  assert.equal(rejected?.keptGeneration, 1);
  assert.equal(rejected?.keptExpired, false);
  clock.advance(1_000);
  await answers.give(new Error("the vault is\nsealed"));
  clock.advance(1_999);
  assert.equal(answers.calls, 3);
  clock.advance(1);
  await answers.give({ ...issued(), key: "nonsense" });
  assert.deepEqual(
    observer.of("credentials.rejected").map(({ reason }) => reason),
    ["provider-failed", "malformed"],
  );
  clock.advance(4_000);
  await answers.give(issued());
  assert.equal(source.current().generation, 2);
});

Deno.test("Credentials.provider() says when what it had to keep has expired", async () => {
  const { answers, clock, observer, source } = await opened({ refreshMs: 172_800_000 });
  await using _source = source;
  clock.advance(172_800_000);
  await answers.give(new Error("gone"));
  assert.equal(observer.of("credentials.rejected")[0]?.keptExpired, true);
  assert.ok(observer.of("credentials.expiring").some(({ stage }) => stage === "expired"));
});

Deno.test("Credentials.provider() does not let rotation change mutual into one-way", async () => {
  const { answers, clock, observer, source } = await opened({ refreshMs: 60_000 });
  await using _source = source;
  clock.advance(60_000);
  await answers.give({ ...issued(), oneWay: true });
  assert.equal(source.current().mode, "mutual");
  assert.match(observer.of("credentials.rejected")[0]?.message ?? "", /one-way and cannot replace/);
});

Deno.test("Credentials.provider() fails to open where its first answer is of no use", async () => {
  const failing = Credentials.provider(() => Promise.reject(new Error("sealed")), {
    refreshMs: 1_000,
  });
  await assert.rejects(
    failing.open(),
    (error) =>
      error instanceof ConfigurationError && error.message === "provider: Error: sealed" &&
      error.cause instanceof Error,
  );
  const nothing = Credentials.provider(() => undefined as never, { refreshMs: 1_000 });
  await assert.rejects(nothing.open(), ConfigurationError);
  assert.throws(
    () => Credentials.provider(() => issued(), { refreshMs: 0 }),
    ConfigurationError,
  );
});

Deno.test("Credentials.provider() is informed through its signal that no one waits any more", async () => {
  const answers = new Answers();
  const abort = new AbortController();
  const opening = Credentials.provider(answers.provide, { refreshMs: 1_000 })
    .open({ signal: abort.signal });
  abort.abort(new Error("changed my mind"));
  await assert.rejects(opening, /changed my mind/);
  assert.equal(answers.signal?.aborted, true);
});

Deno.test("Credentials.provider() adopts nothing that arrives after disposal", async () => {
  const { answers, clock, observer, source } = await opened({ refreshMs: 60_000 });
  clock.advance(60_000);
  await source[Symbol.asyncDispose]();
  await answers.give(issued());
  assert.equal(source.current().generation, 1);
  assert.deepEqual(observer.events, []);
  assert.equal(clock.pending, 0);
});

Deno.test("CredentialsSource informs every subscriber, though one of them fails", async () => {
  const { answers, clock, source } = await opened({ refreshMs: 60_000 });
  await using _source = source;
  const taken: string[] = [];
  using _failing = source.subscribe(() => assert.fail("a subscriber's own fault"));
  const left = source.subscribe(() => taken.push("left"));
  using _staying = source.subscribe(() => taken.push("staying"));
  left[Symbol.dispose]();
  clock.advance(60_000);
  await answers.give(issued());
  assert.deepEqual(taken, ["staying"]);
});
