import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseAddress } from "../../src/channel/mod.ts";
import {
  type JWTSVIDResponseSchema,
  SpiffeWorkloadAPI,
  type X509SVIDResponseSchema,
} from "../../src/gen/spiffe/mod.ts";
import type { ServerConnectionOptions } from "../../src/http2/mod.ts";
import { listenForPeers, type PeerListener } from "../../src/peer/mod.ts";
import { createRequestHandler, createRpcRouter } from "../../src/rpc/mod.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { joined, present } from "../../src/values/mod.ts";

/** A response of the agent. */
export type SvidResponse = MessageInitShape<typeof X509SVIDResponseSchema>;

/** What an agent gives: identities, or an error that ends the stream. */
export type Given = SvidResponse | ConnectError;

/** Serves the SPIFFE Workload API at a unix socket, and gives what the test says. */
export class FakeAgent implements AsyncDisposable {
  /** The streams that were asked for. */
  streams = 0;
  #given: Given;
  #changed = Promise.withResolvers<void>();
  /** The keys of trust domains, JSON by SPIFFE ID; `give` sends them, too. */
  bundles: Readonly<Record<string, string>> = {};
  /** Issues tokens. */
  issue: (
    audience: readonly string[],
    id: string,
  ) => Promise<MessageInitShape<typeof JWTSVIDResponseSchema>> = () =>
    Promise.reject(new ConnectError("no identity issued", Code.PermissionDenied));
  #listener: PeerListener | undefined;

  private constructor(given: Given) {
    this.#given = given;
  }

  /** Listens at `path`; what is there from before is replaced. */
  static async start(path: string, given: Given): Promise<FakeAgent> {
    const agent = new FakeAgent(given);
    const router = createRpcRouter();
    router.service(SpiffeWorkloadAPI, {
      fetchX509SVID: (_request, context) => agent.#answer(context),
      fetchJWTSVID: ({ audience, spiffeId }, { requestHeader }) => {
        insistOnSecurityHeader(requestHeader);
        return agent.issue(audience, spiffeId);
      },
      fetchJWTBundles: (_request, context) => agent.#bundles(context),
    });
    const handler = createRequestHandler({
      router,
      admit: () => ({ admitted: true, context: undefined, release: () => {} }),
    });
    agent.#listener = await listenRaw(path, () => ({ onRequest: handler(undefined) }));
    return agent;
  }

  /** Gives this from now on, to those who listen too. */
  give(given: Given): void {
    this.#given = given;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  /** Goes away, and every connection with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.[Symbol.asyncDispose]();
  }

  async *#answer({ requestHeader, signal }: HandlerContext): AsyncGenerator<SvidResponse> {
    this.streams++;
    insistOnSecurityHeader(requestHeader);
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    while (!signal.aborted) {
      const given = this.#given;
      const { promise: changed } = this.#changed;
      if (given instanceof ConnectError) throw given;
      yield given;
      await Promise.race([changed, gone]);
    }
  }

  async *#bundles({ requestHeader, signal }: HandlerContext) {
    insistOnSecurityHeader(requestHeader);
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    while (!signal.aborted) {
      const { promise: changed } = this.#changed;
      const entries = Object.entries(this.bundles);
      yield {
        bundles: Object.fromEntries(
          entries.map(([domain, text]) => [domain, new TextEncoder().encode(text)]),
        ),
      };
      await Promise.race([changed, gone]);
    }
  }
}

function insistOnSecurityHeader(header: Headers): void {
  if (header.get("workload.spiffe.io") === "true") return;
  throw new ConnectError("the security header is missing", Code.InvalidArgument);
}

/** Listens at `path` and treats connections as `onPeer` says. */
export function listenRaw(
  path: string,
  onPeer: () => ServerConnectionOptions,
): Promise<PeerListener> {
  return listenForPeers(parseAddress(`unix:${path}`), {
    workerId: "agent",
    credentials: undefined,
    allow: [],
    onPeer,
  });
}

/** A trust domain with an authority. */
export interface TestDomain {
  readonly name: string;
  readonly root: TestCertificate;
}

/** Makes a trust domain. */
export function makeDomain(name: string): TestDomain {
  const root = makeCertificate({
    name: `root of ${name}`,
    names: [{ uri: `spiffe://${name}` }],
    authority: true,
  });
  return { name, root };
}

/** One identity of a response, flawless, and its certificate. */
export function svid(
  { name, root }: TestDomain,
  path: string,
  options: {
    readonly hint?: string;
    readonly issuer?: TestCertificate;
    readonly notAfter?: number;
  } = {},
) {
  const spiffeId = `spiffe://${name}/${path}`;
  const { issuer = root } = options;
  const certificate = makeCertificate({
    names: [{ uri: spiffeId }],
    issuer,
    ...present({ notAfter: options.notAfter }),
  });
  const chain = issuer === root ? [certificate.der] : [certificate.der, issuer.der];
  return {
    spiffeId,
    x509Svid: joined(chain),
    x509SvidKey: certificate.key.export({ type: "pkcs8", format: "der" }) as Uint8Array<
      ArrayBuffer
    >,
    bundle: root.der,
    hint: options.hint ?? "",
    certificate,
  };
}
