/**
 * Kubernetes discovery against what a real kube-apiserver answered: `deno task record:k8s` recorded it, cut where
 * the server's chunks ended, and a server of the platform plays it back over TLS.
 */
import assert from "node:assert/strict";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { discoveryFromUrl, kubernetesDiscovery } from "../../src/discovery/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import {
  type HeaderList,
  headerValue,
  type Stream,
  type StreamReceiver,
} from "../../src/http2/mod.ts";
import { listenForPeers } from "../../src/peer/mod.ts";
import { checkDiscovery } from "../../src/testing/mod.ts";
import { Watched } from "../support/watched.ts";
import file from "./k8s_recorded.json" with { type: "json" };

/** One recorded exchange. */
type Recorded = (typeof file.recorded)[number];

const authority = createAuthority();

Deno.test("k8s discovery lists page by page, then follows changes, bookmarks and the end of a watch", async () => {
  await using api = await ReplayedApi.start([
    recorded("list, page 1 of 2"),
    recorded("list, page 2 of 2"),
    recorded("watch with changes"),
  ]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  // An unset condition is ready; the fourth endpoint leaves, the fifth is not ready; one address a pod.
  const first = ["10.0.0.1:8443", "10.0.0.2:8443", "10.0.0.3:8443", "10.0.0.6:8443"];
  assert.deepEqual(watched.addresses, first);
  const last = ["10.0.0.1:8443", "10.0.0.8:8443", "10.0.0.9:8443"];
  await watched.until((now) => now.join() === last.join());
  // Nothing more is asked for before the consumer reads on.
  watched.next().catch(() => {});
  const [one, two, watch] = await api.asked(4);
  assert.match(one!, /limit=500$/);
  assert.match(two!, /&continue=./);
  assert.match(watch!, /&watch=1&allowWatchBookmarks=true&timeoutSeconds=\d+&resourceVersion=\d+$/);
  // The next watch begins at the bookmark with which the last one ended.
  const bookmark = /"BOOKMARK".*"resourceVersion":"(\d+)"/.exec(
    recorded("watch with changes").chunks.join(""),
  );
  assert.equal(/resourceVersion=(\d+)$/.exec(api.paths[3]!)?.[1], bookmark?.[1]);
  assert.deepEqual(watched.failures, []);
});

Deno.test("k8s discovery reads values wherever the chunks end", async () => {
  const { chunks, ...exchange } = recorded("watch with changes");
  const bytes = [...chunks.join("")];
  await using api = await ReplayedApi.start([
    recorded("list"),
    { ...exchange, chunks: bytes.map((_, at) => bytes.slice(at * 7, at * 7 + 7).join("")) },
  ]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  await watched.until((now) => now.length === 3 && now.includes("10.0.0.9:8443"));
});

Deno.test("k8s discovery reads all anew where a version is compacted, and where a watch is silent to its end", async () => {
  for (const name of ["watch of a compacted version", "watch of a future version"]) {
    await using api = await ReplayedApi.start([
      recorded("list"),
      recorded(name),
      recorded("list after the restart"),
    ]);
    await using watched = new Watched(api.discovery());
    await watched.next();
    await watched.until((now) => now.includes("10.0.0.9:8443") && now.length === 3);
    const [, , third] = await api.asked(3);
    assert.match(third!, /limit=500$/);
    assert.deepEqual(watched.failures, []);
  }
});

Deno.test("k8s discovery keeps its workers while the API server refuses, and says why once", async () => {
  const refused = recorded("list with a bad token");
  await using api = await ReplayedApi.start([
    recorded("list"),
    refused,
    refused,
    recorded("watch of an invalid version"),
    recorded("watch with changes"),
  ]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  const before = watched.addresses;
  await watched.next();
  assert.match(watched.failures[0]!, /401.*Unauthorized/);
  assert.deepEqual(watched.addresses, before);
  await watched.until((now) => now.length === 3);
  assert.equal(watched.failures.length, 1);
  assert.ok(api.tokens.every((token) => token === "Bearer the-token"));
});

Deno.test("k8s discovery reports an API server, or what is in front of it, that answers each list late or not at all", async () => {
  const gone = { ...list([]), status: 504, chunks: ["<html>gateway timeout</html>"] };
  await using api = await ReplayedApi.start([gone, gone, recorded("list")]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  assert.deepEqual(watched.failures, [
    "the API server answers 504: <html>gateway timeout</html>",
  ]);
  await watched.until((now) => now.length > 0);
  assert.equal(watched.failures.length, 1);
});

Deno.test("k8s discovery reads its authorities again where they were not there at first", async () => {
  await using api = await ReplayedApi.start([recorded("list")]);
  const appear = api.emptyAuthorities();
  await using watched = new Watched(api.discovery());
  await watched.next();
  assert.match(watched.failures.join(), /ca\.crt: it is empty/);
  appear();
  await watched.until((now) => now.length > 0);
});

Deno.test("k8s discovery gives its token to no server that does not prove to be the API server", async () => {
  await using api = await ReplayedApi.start([recorded("list")], { name: "somebody.else" });
  await using watched = new Watched(api.discovery());
  await watched.next();
  assert.match(watched.failures[0]!, /identity|expected/);
  assert.deepEqual(api.tokens, []);
});

Deno.test("k8s discovery uses those that terminate and still serve where none is ready", async () => {
  await using api = await ReplayedApi.start([list([
    slice("a", [
      { addresses: ["10.0.0.1"], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ["10.0.0.2"], conditions: { ready: false, serving: false, terminating: true } },
    ]),
  ])]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:8443"]);
});

Deno.test("k8s discovery takes one address of a pod with both families, and rejects what it cannot dial", async () => {
  const pod = { kind: "Pod", uid: "1" };
  await using api = await ReplayedApi.start([list([
    { ...slice("six", [{ addresses: ["fd00::1"], targetRef: pod }]), addressType: "IPv6" },
    slice("four", [{ addresses: ["10.0.0.1"], targetRef: pod }]),
    { ...slice("only six", [{ addresses: ["fd00::2"] }]), addressType: "IPv6" },
    { ...slice("named", [{ addresses: ["example.org"] }]), addressType: "FQDN" },
    { ...slice("no ports", [{ addresses: ["10.0.0.9"] }]), ports: null },
  ])]);
  await using watched = new Watched(api.discovery());
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:8443", "[fd00::2]:8443"]);
  assert.match(watched.rejected.join(), /slice named has addresses of type FQDN/);
  assert.match(watched.rejected.join(), /slice no ports has not exactly one port/);
});

Deno.test("k8s discovery keeps to the contract of discoveries", async () => {
  await using api = await ReplayedApi.start([recorded("list")]);
  await checkDiscovery(() => api.discovery(), { withinMs: 60_000 });
});

Deno.test("k8s discovery is written k8s:NAMESPACE/SERVICE[:PORT]", () => {
  assert.equal(discoveryFromUrl("k8s:default/workers:8443").source, "k8s:default/workers:8443");
  assert.equal(discoveryFromUrl("k8s:default/workers").source, "k8s:default/workers");
  for (
    const url of ["k8s:workers", "k8s:De/x", "k8s:a/b:0", "k8s:a/b?what=1", "k8s:../x", "k8s:a/b/c"]
  ) {
    assert.throws(() => discoveryFromUrl(url), ConfigurationError, url);
  }
});

function recorded(name: string): Recorded {
  const found = file.recorded.find((exchange) => exchange.name === name);
  assert.ok(found, name);
  return found;
}

function slice(name: string, endpoints: readonly unknown[]): Record<string, unknown> {
  return {
    metadata: { name, resourceVersion: "1" },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "grpc", port: 8443 }],
  };
}

function list(items: readonly unknown[]): Recorded {
  const body = JSON.stringify({ metadata: { resourceVersion: "1" }, items });
  return { ...recorded("list"), chunks: [body] };
}

/** Answers each request with the next exchange; after the last one watches stay open, and are silent. */
class ReplayedApi implements AsyncDisposable {
  /** What was asked for so far. */
  readonly paths: string[] = [];
  /** The tokens that were shown. */
  readonly tokens: string[] = [];
  readonly #exchanges: Recorded[];
  readonly #folder: string;
  readonly #resources = new AsyncDisposableStack();
  #port = 0;
  #news = Promise.withResolvers<void>();

  private constructor(exchanges: readonly Recorded[]) {
    this.#exchanges = [...exchanges];
    this.#folder = Deno.makeTempDirSync();
    this.#resources.defer(() => Deno.remove(this.#folder, { recursive: true }));
    Deno.writeTextFileSync(`${this.#folder}/ca.crt`, authority.certPem);
    Deno.writeTextFileSync(`${this.#folder}/token`, "the-token\n");
  }

  static async start(
    exchanges: readonly Recorded[],
    { name = "kubernetes.default.svc" } = {},
  ): Promise<ReplayedApi> {
    const api = new ReplayedApi(exchanges);
    const { certPem: cert, keyPem: key } = authority.issue({ name: "api", dns: [name] });
    const source = await Credentials.fromPem({ cert, key, oneWay: true }).open();
    api.#resources.use(source);
    const listener = await listenForPeers({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
      workerId: "api",
      credentials: source,
      allow: [],
      onPeer: () => ({ onRequest: (stream, fields) => api.#answer(stream, fields) }),
    });
    api.#resources.use(listener);
    api.#port = (listener.address as { readonly port: number }).port;
    return api;
  }

  /** Empties the file of the authorities. @returns what brings them back. */
  emptyAuthorities(): () => void {
    const path = `${this.#folder}/ca.crt`;
    Deno.writeTextFileSync(path, "");
    return () => Deno.writeTextFileSync(path, authority.certPem);
  }

  discovery(port?: number | string) {
    return kubernetesDiscovery({
      namespace: "default",
      service: "workers",
      port,
      apiServer: `127.0.0.1:${this.#port}`,
      ca: `${this.#folder}/ca.crt`,
      tokenFile: `${this.#folder}/token`,
    });
  }

  /** Waits until that many requests were made. */
  async asked(count: number): Promise<readonly string[]> {
    while (this.paths.length < count) await this.#news.promise;
    return this.paths;
  }

  #answer(stream: Stream, fields: HeaderList): StreamReceiver {
    this.paths.push(headerValue(fields, ":path") ?? "");
    this.tokens.push(headerValue(fields, "authorization") ?? "");
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
    const exchange = this.#exchanges.shift();
    const { status = 200, contentType = "application/json", chunks } = exchange ?? {};
    stream.sendHeaders([":status", `${status}`, "content-type", contentType], false);
    for (const chunk of chunks ?? []) stream.sendData(new TextEncoder().encode(chunk), false);
    if (chunks !== undefined) stream.sendData(new Uint8Array(0), true);
    return { data: () => {}, trailers: () => {}, closed: () => {} };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
