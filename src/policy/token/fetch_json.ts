import type { ClientRequest, IncomingMessage } from "node:http";
import { joined, onAbort, present } from "../../values/mod.ts";

/** How JSON is fetched. */
export interface FetchJsonOptions {
  /** The authorities that the server is verified by, PEM, and no others. Default: the platform's. */
  readonly ca?: () => Promise<string>;
  /** What is sent as `authorization`. Default: nothing. */
  readonly authorization?: () => Promise<string>;
  /** How long the whole of it may take, redirects included, in milliseconds. */
  readonly timeoutMs: number;
  /** The largest body, in bytes. */
  readonly maxBytes: number;
}

/** Redirects that are followed, within one origin. */
const MAX_REDIRECTS = 3;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches JSON by HTTPS: from the origin of `url` alone, within a time and up to a size.
 *
 * @throws {Error} Where it cannot be had, in one sentence.
 */
export async function fetchJson(url: URL, options: FetchJsonOptions): Promise<unknown> {
  const { timeoutMs } = options;
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no complete answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return JSON.parse(await fetchText(url, options, late.signal));
  } finally {
    clearTimeout(timer);
  }
}

async function fetchText(url: URL, options: FetchJsonOptions, signal: AbortSignal) {
  const ca = await options.ca?.();
  const authorization = await options.authorization?.();
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await get(at, { ca, authorization, maxBytes: options.maxBytes, signal });
    if (typeof answer === "string") return answer;
    const next = new URL(answer.location, at);
    if (next.origin !== url.origin) {
      throw new Error("the server redirects to another origin, which is not followed");
    }
    at = next;
  }
  throw new Error(`the server redirects more than ${MAX_REDIRECTS} times`);
}

interface Get {
  readonly ca: string | undefined;
  readonly authorization: string | undefined;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** The body of a 200, or where a redirect leads. */
async function get(
  url: URL,
  { ca, authorization, maxBytes, signal }: Get,
): Promise<string | { location: string }> {
  // Loaded only now: it takes 1.5 MiB, and most workers fetch nothing.
  const { request } = await import("node:https");
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<string | { location: string }>();
  const asking: ClientRequest = request(url, {
    // A connection of its own, so that nothing else decides how it was verified.
    agent: false,
    ...present({ ca }),
    headers: {
      accept: "application/json, application/jwk-set+json",
      ...present({ authorization }),
    },
  }, (response) => {
    const { statusCode = 0, headers } = response;
    if (REDIRECTS.has(statusCode) && headers.location !== undefined) {
      resolve({ location: headers.location });
      asking.destroy();
      return;
    }
    if (statusCode === 200) gather(response, maxBytes).then(resolve, reject);
    else reject(new Error(`the server answers with status ${statusCode}`));
    if (statusCode !== 200) asking.destroy();
  });
  const abort = onAbort(signal, () => {
    reject(signal.reason);
    asking.destroy();
  });
  asking.on("error", reject);
  asking.end();
  return await promise.finally(() => {
    abort[Symbol.dispose]();
    asking.destroy();
  });
}

async function gather(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  if (!response.complete) throw new Error("the answer ended early");
  return new TextDecoder("utf-8", { fatal: true }).decode(joined(chunks));
}
