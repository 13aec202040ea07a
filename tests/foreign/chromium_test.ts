import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { BrowserPage } from "./browser.ts";
import { startEchoWorker } from "./ground.ts";
import { findTool, testWithTool } from "./tool.ts";

const tool = { name: "Chromium", path: findTool("chromium", "chromium-browser", "google-chrome") };
const ECHO = "/selvage.test.v1.EchoService";

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
  const spki = new X509Certificate(served.serverPem.cert).publicKey
    .export({ type: "spki", format: "der" });
  await using page = await BrowserPage.open(
    path,
    createHash("sha256").update(spki).digest("base64"),
  );
  const origin = `https://127.0.0.1:${served.port}`;

  await t.step("and shows the answer to a GET as its page", async () => {
    const message = encodeURIComponent(JSON.stringify({ text: "shown" }));
    const query = `connect=v1&encoding=json&message=${message}`;
    await page.go(`${origin}${ECHO}/EchoWithoutSideEffects?${query}`);
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
