import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createAuthority } from "../../credentials/mod.ts";
import { AuthenticationError } from "../../errors/mod.ts";
import { jwt } from "./jwt.ts";
import type { JwtOptions } from "./jwt_options.ts";
import { REFRESH_MS } from "./refreshed_keys.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const authority = createAuthority();
const { certPem, keyPem } = authority.issue({ name: "localhost", dns: ["localhost"] });
const first = await generateKeyPair("ES256", { extractable: true });
const second = await generateKeyPair("ES256", { extractable: true });

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A key-set server whose answer can be replaced. */
class KeyServer implements AsyncDisposable {
  readonly #server: Server;
  readonly port: number;
  requests = 0;
  answer: Answer = () => {};

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.requests += 1;
      this.answer(request, response);
    });
  }

  static async start(): Promise<KeyServer> {
    const server = createServer({ cert: certPem, key: keyPem });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new KeyServer(server);
  }

  get url(): string {
    return `https://localhost:${this.port}/keys`;
  }

  async serve(...pairs: readonly [kid: string, keys: { publicKey: CryptoKey }][]): Promise<void> {
    const keys = await Promise.all(
      pairs.map(async ([kid, { publicKey }]) => ({ ...await exportJWK(publicKey), kid })),
    );
    this.answer = (_, response) => response.end(JSON.stringify({ keys }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function sign(kid: string, { privateKey }: { privateKey: CryptoKey }): Promise<string> {
  return new SignJWT({ iss: "i", aud: "w", exp: NOW / 1_000 + 86_400 })
    .setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
}

/** Asks at a time, by the authenticator's own clock; gives `valid` or the reason. */
function asking(options: Partial<JwtOptions>) {
  const authenticator = jwt({ issuer: "i", audience: "w", jwks: "https://localhost/", ...options });
  return async (token: string, at: number = 0): Promise<string> => {
    try {
      await authenticator.authenticate({
        token,
        routine: "math.add",
        peer: { names: [], address: "10.0.0.9:1", security: "one-way-tls" },
        workerId: "w1",
        now: NOW + at,
      });
      return "valid";
    } catch (error) {
      assert.ok(error instanceof AuthenticationError, String(error));
      return error.reason;
    }
  };
}

Deno.test("a key set is fetched from a server that its own CA vouches for, once for many tokens", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const token = await sign("k1", first);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => ask(token))), Array(3).fill("valid"));
  assert.equal(server.requests, 1);
  const foreign = asking({ jwks: server.url, ca: createAuthority().certPem });
  assert.equal(await foreign(token), "key-set-unreachable");
  const otherName = asking({
    jwks: `https://127.0.0.1:${server.port}/`,
    ca: authority.certPem,
  });
  assert.equal(await otherName(token), "key-set-unreachable");
  assert.equal(server.requests, 1, "nothing is asked of a server that is not verified");
});

Deno.test("a key that left the set is refused within five minutes, and a new one is found at once", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  const [old, young] = [await sign("k1", first), await sign("k2", second)];
  assert.equal(await ask(old), "valid");
  await server.serve(["k2", second]);
  assert.equal(await ask(old, 1_000), "valid");
  assert.equal(await ask(young, 31_000), "valid");
  assert.equal(await ask(old, 31_000), "token-unknown-key", "the cache outlives the key");
  assert.equal(server.requests, 2);
  // A thousand made-up ids: the set is not read for each.
  for (let id = 0; id < 50; id++) {
    assert.equal(await ask(await sign(`made-up-${id}`, first), 40_000), "token-unknown-key");
  }
  assert.equal(server.requests, 2);
  await server.serve(["k1", first]);
  assert.equal(await ask(young, 31_000 + REFRESH_MS), "token-unknown-key");
});

Deno.test("keys of a set that cannot be read are not in it", async () => {
  const torn = [
    { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" },
    { kty: "OKP", crv: "Ed25519", x: "AAAA" },
    { kty: "RSA", e: "AQAB", n: "" },
  ];
  assert.throws(() => asking({ jwks: { keys: torn } }), {
    name: "ConfigurationError",
    message: "jwks: the key set holds no key that verifies signatures",
  });
  const ask = asking({ jwks: { keys: [...torn, await exportJWK(first.publicKey)] } });
  // Without an id it is that of the only key for its algorithm.
  const token = new SignJWT({ iss: "i", aud: "w", exp: NOW / 1_000 + 60 });
  const signed = token.setProtectedHeader({ alg: "ES256" }).sign(first.privateKey);
  assert.equal(await ask(await signed), "valid");
});

Deno.test("tokens with a new key wait for the reading that the first of them has begun", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  assert.equal(await ask(await sign("k1", first)), "valid");
  await server.serve(["k2", second]);
  const { answer } = server;
  const { promise: asked, resolve } = Promise.withResolvers<() => void>();
  server.answer = (request, response) => resolve(() => answer(request, response));
  const young = await sign("k2", second);
  const answers = [ask(young, 31_000)];
  const go = await asked;
  answers.push(ask(young, 31_001), ask(await sign("made-up", second), 31_002));
  // Not all that there may be at once: anyone can make up the name of a key.
  for (let waiting = answers.length; waiting < 128; waiting++) answers.push(ask(young, 31_003));
  assert.equal(await ask(young, 31_004), "token-unknown-key");
  go();
  const [, , madeUp, ...others] = await Promise.all(answers);
  assert.equal(madeUp, "token-unknown-key");
  assert.deepEqual(new Set(others), new Set(["valid"]));
  assert.equal(server.requests, 2);
});

Deno.test("a key set is read again within five minutes, however far the clock is set back", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  const [old, young] = [await sign("k1", first), await sign("k2", second)];
  assert.equal(await ask(old), "valid");
  await server.serve(["k2", second]);
  const back = -86_400_000;
  assert.equal(await ask(old, back), "valid");
  assert.equal(await ask(young, back + 30_000), "valid");
  await server.serve(["k1", first]);
  assert.equal(await ask(young, back + 30_000 + REFRESH_MS), "token-unknown-key");
});

Deno.test("a key set that vanishes leaves the last good one for an hour, and is asked rarely", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  const token = await sign("k1", first);
  assert.equal(await ask(token), "valid");
  server.answer = (_, response) => {
    response.statusCode = 503;
    response.end();
  };
  const later = 10 * 60_000;
  for (let call = 0; call < 10; call++) assert.equal(await ask(token, later + call), "valid");
  assert.equal(server.requests, 2, "one attempt, then backoff");
  assert.equal(await ask(token, 61 * 60_000), "key-set-unreachable");
  await server.serve(["k1", first]);
  assert.equal(await ask(token, 62 * 60_000), "valid", "it recovers by itself");
});

Deno.test("no token waits for a key set that has vanished, while the last good one is used", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem, jwksTimeoutMs: 60_000 });
  const [token, other] = [await sign("k1", first), await sign("k1", first)];
  assert.equal(await ask(token), "valid");
  server.answer = (_, response) => response.destroy();
  const later = 10 * 60_000;
  assert.equal(await ask(token, later), "valid");
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  // From now on it takes requests and answers none.
  server.answer = () => resolve();
  assert.equal(await ask(token, later + 10_000), "valid", "one that was verified before");
  assert.equal(await ask(other, later + 10_001), "valid", "another one");
  await asked;
  assert.equal(server.requests, 3);
});

Deno.test("a key that left the set is refused where the set could not be read once, long before", async () => {
  await using server = await KeyServer.start();
  await server.serve(["k1", first]);
  const ask = asking({ jwks: server.url, ca: authority.certPem });
  const [token, other] = [await sign("k1", first), await sign("k1", first)];
  assert.equal(await ask(token), "valid");
  const { answer } = server;
  server.answer = (_, response) => response.destroy();
  assert.equal(await ask(token, REFRESH_MS), "valid");
  server.answer = answer;
  await server.serve(["k2", second]);
  const later = 10 * REFRESH_MS;
  assert.equal(await ask(token, later), "token-unknown-key", "one that was verified before");
  assert.equal(await ask(other, later), "token-unknown-key", "another one");
});

Deno.test("a key set in a pipe that nobody writes to is not waited for, and the file that takes its place is read", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const file = `${folder}/keys.json`;
    assert.ok((await new Deno.Command("mkfifo", { args: [file] }).output()).success);
    const ask = asking({ jwks: { file } });
    const token = await sign("k1", first);
    assert.equal(await ask(token), "key-set-unreachable");
    const keys = [{ ...await exportJWK(first.publicKey), kid: "k1" }];
    Deno.removeSync(file);
    Deno.writeTextFileSync(file, JSON.stringify({ keys }));
    assert.equal(await ask(token, 1_000), "valid");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a key set that is slow, huge, torn, of no use or elsewhere is not used", async () => {
  await using server = await KeyServer.start();
  await using elsewhere = await KeyServer.start();
  await elsewhere.serve(["k1", first]);
  const token = await sign("k1", first);
  const answers: Readonly<Record<string, Answer>> = {
    silent: () => {},
    trickling: (_, response) => {
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(timer));
    },
    huge: (_, response) => response.end(" ".repeat(300 * 1024)),
    torn: (_, response) => {
      response.setHeader("content-length", "1000");
      response.write('{"keys":[]}');
      response.destroy();
    },
    "not JSON": (_, response) => response.end("<html>"),
    "no keys": (_, response) => response.end('{"keys":[]}'),
    "too many keys": (_, response) =>
      response.end(JSON.stringify({ keys: Array(101).fill({ kty: "EC" }) })),
    "elsewhere": (_, response) => {
      response.writeHead(302, { location: elsewhere.url });
      response.end();
    },
    "in the clear": (_, response) => {
      response.writeHead(302, { location: `http://localhost:${server.port}/keys` });
      response.end();
    },
    "in a circle": (_, response) => {
      response.writeHead(302, { location: "/keys" });
      response.end();
    },
  };
  for (const [name, answer] of Object.entries(answers)) {
    server.answer = answer;
    const ask = asking({ jwks: server.url, ca: authority.certPem, jwksTimeoutMs: 500 });
    assert.equal(await ask(token), "key-set-unreachable", name);
  }
  assert.equal(elsewhere.requests, 0);
  const keys = [{ ...await exportJWK(first.publicKey), kid: "k1" }];
  server.answer = ({ url }, response) => {
    const moved = url === "/moved";
    if (!moved) response.writeHead(307, { location: "/moved" });
    response.end(moved ? JSON.stringify({ keys }) : "");
  };
  assert.equal(await asking({ jwks: server.url, ca: authority.certPem })(token), "valid");
});
