/** Programs in JavaScript, and TypeScript that Deno runs without checking it, give options any value. */
import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { etcdDiscovery, kubernetesDiscovery } from "../../src/discovery/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { jwt, kubernetesServiceAccount, spiffeJwtSvids } from "../../src/policy/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { spiffeWorkloadApi } from "../../src/spiffe/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

const trust = new Trust();
const SECRET = "the text of a key";
const authenticate = () => ({ claims: {} });

const WORKER: readonly (readonly [options: object, message: RegExp])[] = [
  [{ admit: "always" }, /^admit is a function that says whether the worker takes a call$/],
  [{ authenticate: null }, /^authenticate is a function, or what jwt\(\) or its like returns$/],
  [{ policy: 5 }, /^policy is rules, the path of a policy file, or \{ authorize \}$/],
  [{ policy: { authorize: SECRET } }, /^policy\.authorize is a function$/],
  [{ verdict: "Strict" }, /^verdict is "private" or "strict", not "Strict"$/],
  [{ plaintext: "Accept" }, /^plaintext is "accept" or "refuse", not "Accept"$/],
  [{ strict: "false" }, /^strict is true or false, not "false"$/],
  [{ reflection: "off" }, /^reflection is true or false, not "off"$/],
  [{ minTlsVersion: "TLSv1.1" }, /^minTlsVersion is "TLSv1\.2" or "TLSv1\.3", not "TLSv1\.1"$/],
  [
    { authenticate: { require: "Both", authenticate } },
    /^require is "token" or "both" or "either", not "Both"$/,
  ],
  [{ authenticate: { require: "both" } }, /^authenticate is a function, /],
  [
    { denylist: { serial: ["01"] } },
    /the denylist has an unknown list "serial"; its lists are spiffeIds, serials, spkiSha256$/,
  ],
  [{ listen: 8443 }, /^listen is an address such as "127\.0\.0\.1:8443", .*, not a number$/],
  [{ allow: [SECRET, 7] }, /^allow is a pattern of identities, or a list of them, not a list$/],
  [{ modules: "./routines.ts" }, /^modules is a list of files and URLs, not a string$/],
  [{ health: 9090 }, /^health is an address such as "127\.0\.0\.1:8443", not a number$/],
  [{ tags: "gpu" }, /^tags is a list of texts, not a string$/],
  [{ services: {} }, /^services is a function of a router, not an object$/],
  [{ routines: [() => 1] }, /^routines\[0\] is what routine\(\) or .* returns, not a function$/],
  [
    { credentials: { ca: SECRET, cert: SECRET, key: SECRET } },
    /^credentials is what Credentials\.watchFiles\(\), .* returns, not an object$/,
  ],
  [{ alow: ["*"] }, /^a worker has no option "alow"; did you mean "allow"\?$/],
  [{ Policy: { rules: [] } }, /^a worker has no option "Policy"; did you mean "policy"\?$/],
  [{ somethingElse: 1 }, /^a worker has no option "somethingElse"; its options are listen, /],
  [
    { authenticate: { reqiure: "both", authenticate } },
    /^authenticate has no option "reqiure"; did you mean "require"\?$/,
  ],
  [
    { anonymous: { routine: ["a"] } },
    /^anonymous has no option "routine"; did you mean "routines"/,
  ],
  [
    { dispatcher: { discovery: "static:memory:a", identities: "a" } },
    /^a worker's dispatcher has no option "identities"; did you mean "identity"\?$/,
  ],
  [{ anonymous: null }, /^anonymous takes an object of options, not null$/],
  [{ anonymous: ["10.0.0.0/8"] }, /^anonymous takes an object of options, not a list$/],
  [
    { routines: [routine("a.b", { inputs: {} } as object, () => 1)] },
    /^the routine "a\.b" has no option "inputs"; did you mean "input"\?$/,
  ],
  [{ limits: { concurency: 1 } }, /^limits has no option "concurency"; did you mean "concurrency"/],
  [
    { limits: { verdict: { certificate: 1 } } },
    /^limits\.verdict has no option "certificate"; did you/,
  ],
  [
    { limits: { http2: { resetsBurst: 1 } } },
    /^limits\.http2 has no option "resetsBurst"; did you/,
  ],
];

const POOL: readonly (readonly [options: object, message: RegExp])[] = [
  [{ strikt: true }, /^a pool has no option "strikt"; did you mean "strict"\?$/],
  [
    { spawn: { modules: "./math.ts" } },
    /^spawn\.modules is a list of files and URLs, not a string$/,
  ],
  [{ spawn: { polcy: "policy.jsonc" } }, /^spawn has no option "polcy"; did you mean "policy"\?$/],
  [
    { spawn: { dispatcher: { discovery: "static:a:1", Identity: "a" } } },
    /^spawn\.dispatcher has no option "Identity"; did you mean "identity"\?$/,
  ],
];

const MAKERS: readonly (readonly [make: (options: never) => unknown, options: object])[] = [
  [jwt, { issuer: "a", audience: "b", jwks: { keys: [] }, misspelt: 1 }],
  [kubernetesServiceAccount, { issuer: "a", audience: "b", misspelt: 1 }],
  [spiffeJwtSvids, { audience: "b", socket: "/run/agent.sock", misspelt: 1 }],
  [etcdDiscovery, { endpoints: ["a:1"], prefix: "b", misspelt: 1 }],
  [kubernetesDiscovery, { namespace: "a", service: "b", misspelt: 1 }],
  [spiffeWorkloadApi, { misspelt: 1 }],
  [createAuthority, { misspelt: 1 }],
];

/** What each is called with, the key of a certificate among it. */
const CREDENTIALS: readonly (readonly [make: () => unknown, message: RegExp])[] = [
  [
    () => Credentials.fromPem({ ca: "a", crt: "b", privateKey: SECRET } as never),
    /^Credentials\.fromPem\(\) has no option "crt"; did you mean "cert"\?$/,
  ],
  [
    () => Credentials.fromPem({ ca: "a", cert: "b", privateKey: SECRET } as never),
    /^Credentials\.fromPem\(\) has no option "privateKey"; its options are ca, cert, key, oneWay, /,
  ],
  [
    () => Credentials.fromPem(SECRET as never),
    /^Credentials\.fromPem\(\) takes an object of options, not a string$/,
  ],
  [
    () => Credentials.fromFiles({ ca: "a", oneway: true } as never),
    /^Credentials\.fromFiles\(\) has no option "oneway"; did you mean "oneWay"\?$/,
  ],
  [
    () => Credentials.fromFiles({ ca: "a", oneWay: true, pollMs: 1 } as never),
    /^Credentials\.fromFiles\(\) has no option "pollMs"; /,
  ],
  [
    () => Credentials.watchFiles({ ca: "a", oneWay: true, poll: 1 } as never),
    /^Credentials\.watchFiles\(\) has no option "poll"; /,
  ],
  [
    () => Credentials.fromEnv({ Prefix: "A_" } as never),
    /^Credentials\.fromEnv\(\) has no option "Prefix"; did you mean "prefix"\?$/,
  ],
  [
    () => Credentials.provider(() => ({}), { refreshMs: 1, refresh: 1 } as never),
    /^Credentials\.provider\(\) has no option "refresh"; did you mean "refreshMs"\?$/,
  ],
  [
    () => Credentials.trustOnly({ ca: "a", cert: SECRET } as never),
    /^Credentials\.trustOnly\(\) has no option "cert"; its options are ca$/,
  ],
  [
    () => createAuthority().issue({ name: "worker", spifeId: "spiffe://a/b" } as never),
    /^issue\(\) has no option "spifeId"; /,
  ],
];

const DISPATCHER: readonly (readonly [options: object, message: RegExp])[] = [
  [{ announcements: "Signed" }, /^announcements is "any" or "signed", not "Signed"$/],
  [{ verdict: "Strict" }, /^verdict is "private" or "strict", not "Strict"$/],
  [{ strict: "false" }, /^strict is true or false, not "false"$/],
  [{ minTlsVersion: "TLSv1.1" }, /^minTlsVersion is "TLSv1\.2" or "TLSv1\.3", not "TLSv1\.1"$/],
  [{ denylist: { serial: ["01"] } }, /the denylist has an unknown list "serial"/],
  [{ Denylist: {} }, /^a dispatcher has no option "Denylist"; did you mean "denylist"\?$/],
  [{ limits: { concurrency: 1 } }, /^limits has no option "concurrency"; its options are /],
  [
    { lease: { workers: 2, Ordinal: 0 } },
    /^lease has no option "Ordinal"; did you mean "ordinal"\?$/,
  ],
  [{ call: { timeout: 100 } }, /^call has no option "timeout"; did you mean "timeoutMs"\?$/],
  [{ identity: 7 }, /^identity is a pattern, or a list of them, not a number$/],
  [
    { token: 7 },
    /^token is a text, a function that gives one, or signNonce\(\.\.\.\), not a number$/,
  ],
  [{ discovery: undefined }, /^discovery is a URL such as "static:HOST:PORT", .*, not undefined$/],
  [{ discovery: ["static:a:1"] }, /^discovery is a URL such as .*, not a list$/],
  [{ credentials: { ca: SECRET } }, /^credentials is what Credentials\..* returns, not an object$/],
  [{ lease: [2] }, /^lease takes an object of options, not a list$/],
];

const CALLS: readonly (readonly [options: unknown, message: RegExp])[] = [
  [{ timeout: 100 }, /^a call has no option "timeout"; did you mean "timeoutMs"\?$/],
  [{ timeoutms: 100 }, /^a call has no option "timeoutms"; did you mean "timeoutMs"\?$/],
  [
    { timeoutMs: 100, abort: new AbortController().signal },
    /^a call has no option "abort"; its options are signal, timeoutMs, token, /,
  ],
  [{ Token: SECRET }, /^a call has no option "Token"; did you mean "token"\?$/],
  [{ tags: "gpu" }, /^tags is a list of texts, not a string$/],
  [SECRET, /^a call takes an object of options, not a string$/],
  [100, /^a call takes an object of options, not a number$/],
  [null, /^a call takes an object of options, not null$/],
];

/** Rejected with that message; what starts all the same is stopped. */
async function rejected(starting: () => Promise<AsyncDisposable>, message: RegExp): Promise<void> {
  const started = async () => {
    await using _started = await starting();
  };
  await assert.rejects(started, (error) => {
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a worker rejects a value that its option does not have", async () => {
  for (const [options, message] of WORKER) {
    await rejected(() => startWorker(trust, options), message);
  }
});

Deno.test("a dispatcher rejects a value that its option does not have", async () => {
  for (const [options, message] of DISPATCHER) {
    await rejected(() => openDispatcher(trust, "127.0.0.1:1", options), message);
  }
});

Deno.test("a pool rejects an option of a name that it does not have", async () => {
  for (const [options, message] of POOL) await rejected(() => WorkerPool.open(options), message);
});

Deno.test("what makes verifiers, discoveries and credentials rejects an option of a name that it does not have", () => {
  for (const [make, options] of MAKERS) {
    const message = `${make.name}() has no option "misspelt"`;
    assert.throws(() => make(options as never), (error) => {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.ok(error.message.startsWith(message), error.message);
      assert.equal(error.setting, "misspelt");
      return true;
    });
  }
});

Deno.test("a factory of credentials rejects an option of a name that it does not have, and repeats no value", () => {
  for (const [make, message] of CREDENTIALS) {
    assert.throws(make, (error) => {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, message);
      assert.ok(!error.message.includes(SECRET), error.message);
      return true;
    });
  }
});

Deno.test("a call rejects an option of a name that it does not have, and repeats no value", async () => {
  await using worker = await startWorker(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const add = routine("math.add", (a: number, b: number) => a + b);
  for (const [given, message] of CALLS) {
    const options = given as object;
    const calls = [
      () => dispatcher.call(add, [1, 2], options),
      () => dispatcher.stream(add as never, [] as never, options).next(),
      () => dispatcher.duplex(add as never, [], [] as never, options).next(),
      async () => await dispatcher.client({ add }, options).add(1, 2),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof ConfigurationError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  }
});

Deno.test("a call of a name in place of a routine says what it takes", async () => {
  await using dispatcher = await openDispatcher(trust, "127.0.0.1:1");
  const message =
    /^the first argument of a call is a routine, as routine\(\) declares it, not its name$/;
  for (const given of ["math.add", undefined, {}]) {
    const name = given as never;
    await assert.rejects(dispatcher.call(name, [] as never), { message });
    await assert.rejects(dispatcher.stream(name, [] as never).next(), { message });
  }
});

Deno.test("a routine is declared with its options before its function, and with nothing else", () => {
  const wrong = [[() => 1, { idempotent: true }], [7], [{}, "text"], ["text"]];
  for (const rest of wrong) {
    const declare = () => (routine as (...given: unknown[]) => unknown)("a.b", ...rest);
    assert.throws(
      declare,
      /^TypeError: "a\.b": a name comes first, then options, then a function$/,
    );
  }
});

Deno.test("ready() rejects an option of a name that it does not have", async () => {
  await using dispatcher = await openDispatcher(trust, "127.0.0.1:1");
  const wrong: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{ timeout: 1 }, /^ready\(\) has no option "timeout"; did you mean "timeoutMs"\?$/],
    [{ workers: 2, timeoutMs: 1 }, /^ready\(\) has no option "workers"; its options are min, /],
    [{ min: "1" }, /^min is a whole number of workers, not 1$/],
    [{ timeoutMs: "5s" }, /^timeoutMs must be a number of milliseconds .*, not 5s$/],
    [2, /^ready\(\) takes an object of options, not a number$/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(dispatcher.ready(options as object), {
      name: "ConfigurationError",
      message,
    });
  }
});

Deno.test("options that are no object are rejected as such", async () => {
  for (const options of [undefined, null, "static:a:1", []]) {
    await rejected(() => Dispatcher.open(options as never), /^a dispatcher takes an object of /);
    await rejected(() => WorkerPool.open(options as never), /^a pool takes an object of options, /);
    await rejected(() => WorkerServer.start(options as never), /^a worker takes an object of /);
  }
  const notEchoed = /^jwt\(\) takes an object of options, not a (string|bigint)$/;
  for (const options of ["the text of a token", 7n]) {
    assert.throws(() => jwt(options as never), { name: "ConfigurationError", message: notEchoed });
  }
});

Deno.test("an option that is undefined is none, whatever its name is", async () => {
  await using worker = await startWorker(trust, { alow: undefined } as object);
  assert.equal(worker.inFlight, 0);
});

Deno.test("an authenticator of a class may hold what it likes", async () => {
  class Own {
    readonly require = "token";
    readonly keys = new Map();
    readonly authenticate = authenticate;
  }
  await using worker = await startWorker(trust, { authenticate: new Own() });
  assert.equal(worker.inFlight, 0);
});

Deno.test("a worker says what is wrong with the way it is to be drained, and goes on", async () => {
  await using worker = await startWorker(trust);
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ grace: 5 }, /^drain\(\) has no option "grace"; its options are graceMs$/],
    [{ graceMs: "5" }, /^graceMs is a number of milliseconds, from 0 on, not a string$/],
    [{ graceMs: NaN }, /^graceMs is a number of milliseconds, from 0 on, not a number$/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(worker.drain(options as object), { name: "ConfigurationError", message });
  }
  await using dispatcher = await openDispatcher(trust, worker.address);
  await dispatcher.ready();
  assert.equal(worker.peers().length, 1);
});
