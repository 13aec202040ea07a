import assert from "node:assert/strict";
import { LARGE_BYTES, startEchoWorker } from "./ground.ts";
import { PeerFiles } from "./peer_files.ts";
import { findTool, runTool, testWithTool } from "./tool.ts";
import { echoMessage } from "./wire_bytes.ts";

const nghttp = { name: "nghttp", path: findTool("nghttp") };
const h2load = { name: "h2load", path: findTool("h2load") };
const ECHO = "selvage.test.v1.EchoService/Echo";
const JSON_TYPE = "content-type: application/json";

testWithTool(nghttp, "nghttp calls a worker over mutual TLS", async (path, t) => {
  await using served = await startEchoWorker({
    limits: { http2: { maxHeaderListBytes: 64 * 1024 } },
  });
  await using files = await PeerFiles.of(served.config);
  const hello = await files.write("hello.json", JSON.stringify({ text: "hello" }));
  const certificate = ["--cert", files.path("cert.pem"), "--key", files.path("key.pem")];
  const call = async (...args: string[]): Promise<string> => {
    const url = `https://127.0.0.1:${served.port}/${ECHO}`;
    const { code, stdout } = await runTool(path, ["-y", ...certificate, ...args, url]);
    assert.equal(code, 0);
    return stdout;
  };

  await t.step("and reads the answer", async () => {
    assert.equal(await call("-H", JSON_TYPE, "-d", hello), '{"text":"hello"}');
  });

  await t.step("fifty times on one connection, with padded frames", async () => {
    const log = await call("-v", "-m", "50", "-b", "200", "-H", JSON_TYPE, "-d", hello);
    assert.equal(log.match(/recv \(stream_id=\d+\) :status: 200/g)?.length, 50);
    assert.doesNotMatch(log, /recv RST_STREAM|error_code=(?!NO_ERROR)/);
  });

  await t.step("with a header section in CONTINUATION frames", async () => {
    const log = await call("-v", "--continuation", "-H", JSON_TYPE, "-d", hello);
    // It logs the section as a whole; what is above 16,384 goes in CONTINUATION frames.
    const [, length] = /send HEADERS frame <length=(\d+)/.exec(log) ?? [];
    assert.ok(Number(length) > 16_384, `the header section has ${length} bytes`);
    assert.ok(log.includes(":status: 200"));
  });

  await t.step("with changing HPACK table sizes", async () => {
    const sizes = ["-c", "0", "-c", "65536", "--encoder-header-table-size", "100"];
    const log = await call("-v", "-m", "20", ...sizes, "-H", JSON_TYPE, "-d", hello);
    assert.equal(log.match(/recv \(stream_id=\d+\) :status: 200/g)?.length, 20);
  });

  await t.step("with trailers of its own", async () => {
    const log = await call("-v", "--trailer", "x-last: word", "-H", JSON_TYPE, "-d", hello);
    assert.match(log, /:status: 200/);
  });

  await t.step("and takes 16 MiB through windows of 64 KiB", async () => {
    const large = echoMessage("large", new Uint8Array(LARGE_BYTES).fill(7));
    const body = await files.write("large", large);
    const windows = ["-w", "16", "-W", "16"];
    const got = await call(...windows, "-H", "content-type: application/proto", "-d", body);
    assert.ok(got.length >= LARGE_BYTES);
  });
});

testWithTool(nghttp, "nghttp is told 431 for a header section above the limit", async (path) => {
  await using served = await startEchoWorker();
  await using files = await PeerFiles.of(served.config);
  const hello = await files.write("hello.json", JSON.stringify({ text: "hello" }));
  const { stdout } = await runTool(path, [
    ...["-v", "-y", "--cert", files.path("cert.pem"), "--key", files.path("key.pem")],
    ...["--continuation", "-H", JSON_TYPE, "-d", hello],
    `https://127.0.0.1:${served.port}/${ECHO}`,
  ]);
  assert.ok(stdout.includes(":status: 431"));
});

for (const [security, scheme] of [["one-way TLS", "https"], ["plaintext", "http"]] as const) {
  testWithTool(
    h2load,
    `h2load has a worker answer everything over ${security}`,
    async (path, t) => {
      const options = scheme === "https"
        ? { oneWay: true }
        : { credentials: undefined, allow: undefined };
      await using served = await startEchoWorker(options);
      await using files = await PeerFiles.of(served.config);
      const hello = await files.write("hello.json", JSON.stringify({ text: "hello" }));
      const load = async (...args: string[]): Promise<string> => {
        const { code, stdout } = await runTool(path, [
          ...[...args, "-H", JSON_TYPE, "-d", hello],
          `${scheme}://127.0.0.1:${served.port}/${ECHO}`,
        ]);
        assert.equal(code, 0);
        return stdout;
      };

      await t.step("5,000 requests over four connections", async () => {
        const report = await load("-n", "5000", "-c", "4", "-m", "50");
        assert.match(report, /5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout/);
        assert.match(report, /status codes: 5000 2xx/);
      });

      await t.step("1,000 requests at once on one connection", async () => {
        const report = await load("-n", "1000", "-c", "1", "-m", "1000");
        assert.match(report, /1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout/);
      });
    },
  );
}
