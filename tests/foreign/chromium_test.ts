import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { BrowserPage } from "./browser.ts";
import { type EchoWorker, LARGE_BYTES, startEchoWorker } from "./ground.ts";
import { leaveTogether, releaseTogether } from "./held_calls.ts";
import { findTool, testWithTool } from "./tool.ts";

const tool = { name: "Chromium", path: findTool("chromium", "chromium-browser", "google-chrome") };
const ECHO = "/selvage.test.v1.EchoService";
/** Calls that a page makes in one turn. */
const STREAMS = 1_000;
/** The streams that Chromium has open at once on a connection, whatever a server allows. */
const BROWSER_STREAMS = 256;

/** Puts messages behind the five bytes of gRPC-Web and Connect's streams, and takes them out again. */
const ENVELOPES = `
  const enveloped = (message) => {
    const head = new Uint8Array(5);
    new DataView(head.buffer).setUint32(1, message.length);
    return new Blob([head, message]);
  };
  const opened = (bytes) => {
    const texts = [];
    const view = new DataView(bytes);
    for (let at = 0; at < bytes.byteLength; at += 5 + view.getUint32(at + 1)) {
      const message = bytes.slice(at + 5, at + 5 + view.getUint32(at + 1));
      texts.push([view.getUint8(at), new TextDecoder().decode(message)]);
    }
    return texts;
  };
`;

testWithTool(tool, "Chromium calls a service of a worker over HTTP/2", async (path, t) => {
  await using served = await startEchoWorker({ oneWay: true });
  await using page = await openPage(path, served);

  await t.step("and shows the answer to a GET as its page", async () => {
    assert.deepEqual(
      await page.evaluate(`return [
        document.body.innerText.trim(),
        performance.getEntriesByType("navigation")[0].nextHopProtocol,
      ]`),
      ['{"text":"shown"}', "h2"],
    );
  });

  await t.step("in Connect's JSON, 100 at once", async () => {
    const answers = await page.evaluate<unknown[]>(`
      return await Promise.all(Array.from({ length: 100 }, async (_, n) => {
        const response = await fetch("${ECHO}/Echo", {
          method: "POST",
          headers: { "content-type": "application/json", "x-say": "so" },
          body: JSON.stringify({ text: "call " + n }),
        });
        return [response.status, response.headers.get("x-said"), (await response.json()).text];
      }));
    `);
    assert.deepEqual(answers, Array.from({ length: 100 }, (_, n) => [200, "so", `call ${n}`]));
  });

  await t.step("as a stream", async () => {
    const items = await page.evaluate(`${ENVELOPES}
      const request = JSON.stringify({ text: "again", count: 2 });
      const response = await fetch("${ECHO}/Repeat", {
        method: "POST",
        headers: { "content-type": "application/connect+json" },
        body: enveloped(new TextEncoder().encode(request)),
      });
      return opened(await response.arrayBuffer())
        .map(([flags, text]) => [flags, JSON.parse(text)]);
    `);
    assert.deepEqual(items, [[0, { text: "again" }], [0, { text: "again", index: 1 }], [2, {}]]);
  });

  await t.step("with 16 MiB both ways", async () => {
    const [status, length, same] = await page.evaluate<[number, number, boolean]>(`
      const data = new Uint8Array(${LARGE_BYTES}).map((_, at) => at * 31);
      const sent = new Uint8Array(await new Blob([
        Uint8Array.of(0x12, 0x80, 0x80, 0x80, 0x08), // data of 16 MiB
        data,
      ]).arrayBuffer());
      const response = await fetch("${ECHO}/Echo", {
        method: "POST",
        headers: { "content-type": "application/proto" },
        body: sent,
      });
      const got = new Uint8Array(await response.arrayBuffer());
      return [response.status, got.length, got.every((byte, at) => byte === sent[at])];
    `);
    assert.deepEqual([status, length, same], [200, LARGE_BYTES + 5, true]);
  });

  await t.step("in gRPC-Web", async () => {
    const [message, trailers] = await page.evaluate<[number, string][]>(`${ENVELOPES}
      const response = await fetch("${ECHO}/Echo", {
        method: "POST",
        headers: { "content-type": "application/grpc-web+proto" },
        body: enveloped(Uint8Array.of(0x0a, 2, 0x68, 0x69)),
      });
      return opened(await response.arrayBuffer());
    `);
    assert.deepEqual(message, [0, "\n\u0002hi"]);
    assert.match(trailers?.[1] ?? "", /grpc-status: 0\r\n/i);
  });

  await t.step("and has what it aborts stop", async () => {
    const hangs = served.hanging();
    const stopped = served.stopped();
    const outcome = page.evaluate(`
      globalThis.abort = new AbortController();
      return await fetch("${ECHO}/Echo", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: "hang" }),
        signal: abort.signal,
      }).catch(({ name }) => name);
    `);
    await hangs;
    await page.evaluate(`abort.abort()`);
    assert.equal(await outcome, "AbortError");
    await stopped;
  });
});

testWithTool(tool, "Chromium makes 1,000 calls on one connection, 256 at once", async (path) => {
  await using served = await startEchoWorker({ oneWay: true });
  await using page = await openPage(path, served);
  const answered = holdInPage(page, STREAMS);
  await releaseTogether(served, BROWSER_STREAMS);
  assert.deepEqual(await answered, Array.from({ length: STREAMS }, (_, n) => `hold ${n}`));
});

testWithTool(tool, "Chromium is answered after a worker's GOAWAY", async (path) => {
  await using served = await startEchoWorker({ oneWay: true });
  await using page = await openPage(path, served);
  const answered = holdInPage(page, 20);
  await leaveTogether(served, 20);
  assert.deepEqual(await answered, Array.from({ length: 20 }, (_, n) => `hold ${n}`));
});

/** A browser that trusts the worker, on a page of its origin. */
async function openPage(path: string, { port, serverPem }: EchoWorker): Promise<BrowserPage> {
  const spki = new X509Certificate(serverPem.cert).publicKey
    .export({ type: "spki", format: "der" });
  const page = await BrowserPage.open(path, createHash("sha256").update(spki).digest("base64"));
  const message = encodeURIComponent(JSON.stringify({ text: "shown" }));
  const query = `connect=v1&encoding=json&message=${message}`;
  await page.go(`https://127.0.0.1:${port}${ECHO}/EchoWithoutSideEffects?${query}`);
  return page;
}

/** Makes calls that are held; gives the texts they are answered with. */
function holdInPage(page: BrowserPage, count: number): Promise<string[]> {
  return page.evaluate(`
    return await Promise.all(Array.from({ length: ${count} }, async (_, n) => {
      const response = await fetch("${ECHO}/Echo", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: "hold " + n }),
      });
      return (await response.json()).text;
    }));
  `);
}
