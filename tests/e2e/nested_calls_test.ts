/** Calls that routines make: what goes with them, and how a worker calls itself. */
import assert from "node:assert/strict";
import { ambient, currentCall } from "../../src/routine/mod.ts";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { memoryDiscovery } from "../../src/discovery/mod.ts";
import { AuthorizationError, InvalidPayload, RoutineError } from "../../src/errors/mod.ts";
import { HandTurned, Trust, WORKER_ID } from "./trust.ts";
import { Tally } from "../support/tally.ts";
import { ALLOWED, openDispatcher, startWorker } from "./pair.ts";

const who = routine("nested.who", () => {
  const { id, parentId, peer, deadline, workerId } = currentCall();
  const tenant = ambient("tenant") ?? "nobody's";
  const { identity = "", security } = peer;
  return { id, parentId, identity, security, deadline, workerId, tenant };
});
const outer = routine("nested.outer", async (tenant: string | null) => {
  const { dispatcher, id, deadline, workerId } = currentCall();
  const inner = await dispatcher.call(who, [], tenant === null ? {} : { ambient: { tenant } });
  return { id, deadline, workerId, inner };
});
const forbidden = routine("nested.forbidden", () => currentCall().dispatcher.call(who, []));
const routines = { who, outer, forbidden };
const ITSELF = [ALLOWED, WORKER_ID];

Deno.test("a routine of a worker with credentials calls that worker over a socket of its own, as who the worker is", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines, allow: ITSELF });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const { id, inner, workerId } = await dispatcher.call(outer, [null], {
    ambient: { tenant: "acme", locale: "de" },
    timeoutMs: 60_000,
  });
  assert.equal(inner.workerId, workerId);
  assert.equal(inner.parentId, id);
  assert.notEqual(inner.id, id);
  assert.equal(inner.identity, WORKER_ID);
  assert.equal(inner.security, "unix-socket");
  assert.equal(inner.tenant, "acme");
  assert.equal((await dispatcher.call(outer, ["other"])).inner.tenant, "other");
  assert.equal((await dispatcher.call(outer, [null])).inner.tenant, "nobody's");
});

Deno.test("a call to oneself is under the same allow and the same policy as everyone's", async () => {
  const trust = new Trust();
  await using stranger = await startWorker(trust, { routines });
  await using toStranger = await openDispatcher(trust, stranger.address);
  await assert.rejects(toStranger.call(outer, [null]), (error) => {
    assert.ok(error instanceof RoutineError, String(error));
    assert.equal(error.remoteName, "HandshakeError");
    assert.match(error.message, /subject-not-allowed/);
    return true;
  });
  await using policed = await startWorker(trust, {
    routines,
    allow: ITSELF,
    policy: {
      default: "deny",
      rules: [
        { name: "clients", effect: "allow", who: [ALLOWED], what: ["nested.*"] },
        { name: "itself", effect: "allow", who: [WORKER_ID], what: ["nested.outer"] },
      ],
    },
  });
  await using dispatcher = await openDispatcher(trust, policed.address);
  assert.equal((await dispatcher.call(who, [])).tenant, "nobody's");
  await assert.rejects(dispatcher.call(forbidden, []), (error) => {
    assert.ok(error instanceof RoutineError, String(error));
    assert.equal(error.remoteName, AuthorizationError.name);
    return true;
  });
});

Deno.test("a worker that discovery finds at its own address is called over its socket, others over TLS", async () => {
  const trust = new Trust();
  const registry = memoryDiscovery();
  const options = {
    routines,
    allow: ITSELF,
    dispatcher: { discovery: registry, identity: WORKER_ID },
  };
  await using one = await startWorker(trust, options);
  await using two = await startWorker(trust, options);
  const signal = AbortSignal.timeout(60_000);
  for (const { id, address } of [one, two]) {
    await registry.announce({ id, address, tls: true, tags: [] }, { signal, onFailure: () => {} });
  }
  await using dispatcher = await openDispatcher(trust, one.address);
  const seen = new Set<string>();
  while (seen.size < 2) {
    const { inner } = await dispatcher.call(outer, [null], { signal });
    assert.equal(inner.security, inner.workerId === one.id ? "unix-socket" : "mutual-tls");
    assert.equal(inner.identity, WORKER_ID);
    seen.add(inner.workerId);
  }
});

Deno.test("a worker at its own address that is not who is expected there is proven as any other", async () => {
  const trust = new Trust();
  const registry = memoryDiscovery();
  await using worker = await startWorker(trust, {
    routines,
    allow: ITSELF,
    dispatcher: { discovery: registry, identity: "spiffe://example.org/database" },
  });
  const { id, address } = worker;
  const signal = AbortSignal.timeout(60_000);
  await registry.announce({ id, address, tls: true, tags: [] }, { signal, onFailure: () => {} });
  await using dispatcher = await openDispatcher(trust, address);
  await assert.rejects(dispatcher.call(outer, [null]), (error) => {
    assert.ok(error instanceof RoutineError, String(error));
    assert.match(error.message, /identity-mismatch|expected/);
    return true;
  });
});

Deno.test("ambient values stay with the trust of the call: other credentials do not carry them on", async () => {
  const trust = new Trust();
  await using inner = await startWorker(trust, { routines, allow: ALLOWED });
  await using outside = await startWorker(trust, {
    routines,
    dispatcher: {
      discovery: `static:${inner.address}`,
      credentials: trust.client(),
      identity: WORKER_ID,
    },
  });
  await using dispatcher = await openDispatcher(trust, outside.address);
  const options = { ambient: { tenant: "acme" } };
  assert.equal((await dispatcher.call(outer, [null], options)).inner.tenant, "nobody's");
  assert.equal((await dispatcher.call(outer, ["said"], options)).inner.tenant, "said");
});

Deno.test("ambient values beyond 32, or 4,096 bytes together, are refused before the call", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`name${at}`, "value"]));
  await assert.rejects(dispatcher.call(who, [], { ambient: many }), InvalidPayload);
  const large = { tenant: "x".repeat(4_091) };
  await assert.rejects(dispatcher.call(who, [], { ambient: large }), InvalidPayload);
  const fits = { tenant: "x".repeat(4_090) };
  assert.equal((await dispatcher.call(who, [], { ambient: fits })).tenant, fits.tenant);
});

Deno.test("a nested call ends when the call that made it is cancelled, and inherits its deadline", async () => {
  const trust = new Trust();
  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const wait = routine("nested.wait", async () => {
    const { signal } = currentCall();
    began.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    ended.resolve();
  });
  const waits = routine(
    "nested.waits",
    () => currentCall().dispatcher.call(wait, [], { timeoutMs: 0 }),
  );
  const options = { routines: { ...routines, wait, waits }, allow: ITSELF };
  await using worker = await startWorker(trust, options);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const cancelled = new AbortController();
  const call = dispatcher.call(waits, [], { signal: cancelled.signal, timeoutMs: 0 });
  await began.promise;
  cancelled.abort(new Error("not needed any more"));
  await assert.rejects(call, /not needed/);
  await ended.promise;
  const begunAt = performance.now();
  // What an outer call without a deadline of its own would leave the inner one is far beyond it.
  const { deadline, inner } = await dispatcher.call(outer, [null], { timeoutMs: 20_000 });
  // A deadline travels as what is left of it: it is later by what the inner call was on its way.
  const latest = deadline! + performance.now() - begunAt + 1;
  assert.ok(inner.deadline! <= latest, `${inner.deadline} is after ${deadline}`);
});

Deno.test("calls to oneself go on, and are judged anew, while the worker's certificate is rotated", async () => {
  const trust = new Trust();
  const turned = new HandTurned(trust.worker());
  await using worker = await startWorker(trust, {
    routines,
    credentials: turned.credentials,
    allow: [ALLOWED, "spiffe://example.org/**"],
  });
  await using dispatcher = await openDispatcher(trust, worker.address, {
    identity: "spiffe://example.org/**",
  });
  assert.equal((await dispatcher.call(outer, [null])).inner.identity, WORKER_ID);
  turned.turn(trust.worker("spiffe://example.org/renamed"));
  for (;;) {
    const { inner } = await dispatcher.call(outer, [null]);
    if (inner.identity === "spiffe://example.org/renamed") break;
    assert.equal(inner.identity, WORKER_ID);
  }
});

Deno.test("the socket of a worker's own calls answers nobody who does not know the secret of the process", async () => {
  const trust = new Trust();
  const root = await Deno.makeTempDir();
  const before = Deno.env.get("XDG_RUNTIME_DIR");
  Deno.env.set("XDG_RUNTIME_DIR", root);
  try {
    // What a worker leaves that was killed while it started.
    await Deno.mkdir(`${root}/selvage-0a1b2c`);
    await Deno.utime(`${root}/selvage-0a1b2c`, 0, 0);
    const worker = await startWorker(trust, { routines, allow: ITSELF });
    assert.equal([...Deno.readDirSync(root)].length, 1);
    const [folder] = [...Deno.readDirSync(root)];
    const path = `${root}/${folder!.name}/own`;
    assert.equal(Deno.statSync(`${root}/${folder!.name}`).mode! & 0o777, 0o700);
    for (const bytes of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "S" + "x".repeat(64)]) {
      using stranger = await Deno.connect({ transport: "unix", path });
      await stranger.write(new TextEncoder().encode(bytes + "\0".repeat(64)));
      const read = stranger.read(new Uint8Array(64));
      assert.equal(await read.catch(() => null), null);
    }
    await worker[Symbol.asyncDispose]();
    assert.deepEqual([...Deno.readDirSync(root)], []);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", before);
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a worker whose own folder would lie too deep for a socket calls itself elsewhere", async () => {
  const trust = new Trust();
  const root = await Deno.makeTempDir({ suffix: "x".repeat(90) });
  const before = Deno.env.get("XDG_RUNTIME_DIR");
  Deno.env.set("XDG_RUNTIME_DIR", root);
  try {
    await using worker = await startWorker(trust, { routines, allow: ITSELF });
    assert.deepEqual([...Deno.readDirSync(root)], []);
    await using dispatcher = await openDispatcher(trust, worker.address);
    assert.equal((await dispatcher.call(outer, [null])).inner.identity, WORKER_ID);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", before);
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a worker that drains still takes the calls that its running routines make to itself", async () => {
  const trust = new Trust();
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const later = routine("nested.later", async () => {
    began.resolve();
    await goOn.promise;
    return (await currentCall().dispatcher.call(who, [])).identity;
  });
  const worker = await startWorker(trust, {
    routines: { ...routines, later },
    allow: ITSELF,
    limits: { drainGraceMs: 60_000 },
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  const call = dispatcher.call(later, []);
  await began.promise;
  const stopped = worker[Symbol.asyncDispose]();
  goOn.resolve();
  assert.equal(await call, WORKER_ID);
  await stopped;
});

Deno.test("a routine that awaits one of its calls alone when its caller cancels leaves no rejection that ends the worker", async () => {
  const begun = new Tally();
  const over = new Tally();
  const waits = routine("nested.waits", () => {
    const { signal } = currentCall();
    return new Promise<number>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      begun.add(1);
    });
  });
  const endless = routine("nested.endless", async function* () {
    yield 1;
    begun.add(1);
    await new Promise(() => {});
  });
  const several = routine("nested.several", async () => {
    const { dispatcher } = currentCall();
    const items = dispatcher.stream(endless, [])[Symbol.asyncIterator]();
    await items.next();
    const calls = [dispatcher.call(waits, []), dispatcher.call(waits, []), items.next()];
    try {
      for (const call of calls) await call;
    } finally {
      over.add(1);
    }
  });
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  const trust = new Trust();
  await using worker = await startWorker(trust, {
    routines: { ...routines, waits, endless, several },
    allow: ITSELF,
  });
  await using dispatcher = await openDispatcher(trust, worker.address);
  addEventListener("unhandledrejection", note);
  try {
    const cancel = new AbortController();
    const cancelled = assert.rejects(
      dispatcher.call(several, [], { signal: cancel.signal }),
      /enough/,
    );
    await begun.until((value) => value >= 3);
    cancel.abort(new Error("enough"));
    await cancelled;
    await over.until((value) => value >= 1);
    await dispatcher.call(outer, [null]);
  } finally {
    removeEventListener("unhandledrejection", note);
  }
  assert.deepEqual(unhandled, []);
});

const count = duplexRoutine("nested.count", async function* (input: AsyncIterable<Uint8Array>) {
  let bytes = 0;
  for await (const item of input) bytes += item.length;
  yield bytes;
});

const feeding = routine("nested.feeding", async (size: number) => {
  const { dispatcher, id } = currentCall();
  const found = new Set<string>();
  async function* input() {
    try {
      for (let n = 0; n < 40; n++) {
        found.add(currentCall().id);
        yield new Uint8Array(size);
      }
    } finally {
      found.add(currentCall().id);
    }
  }
  let bytes = 0;
  for await (const sum of dispatcher.duplex(count, input(), [])) bytes = sum;
  return { bytes, found: [...found].map((one) => one === id ? "its own" : one) };
});

Deno.test("what a routine streams to another is read within its own call, whoever asks for more", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { routines: { count, feeding }, allow: ITSELF });
  await using dispatcher = await openDispatcher(trust, worker.address);
  for (const size of [10, 5_000, 65_536]) {
    const calls = Array.from({ length: 12 }, () => dispatcher.call(feeding, [size]));
    for (const { bytes, found } of await Promise.all(calls)) {
      assert.deepEqual({ bytes, found }, { bytes: 40 * size, found: ["its own"] });
    }
  }
});
