import assert from "node:assert/strict";
import { type EchoWorker, LARGE_BYTES, startEchoWorker } from "./ground.ts";
import { leaveTogether, releaseTogether } from "./held_calls.ts";
import { PeerFiles } from "./peer_files.ts";
import { findTool, runTool, testWithTool, type ToolResult } from "./tool.ts";
import { echoMessage, enveloped, openEnvelopes } from "./wire_bytes.ts";

const nghttp = { name: "nghttp", path: findTool("nghttp") };
const h2load = { name: "h2load", path: findTool("h2load") };
const SERVICE = "selvage.test.v1.EchoService";
const ECHO = `${SERVICE}/Echo`;
/** Streams that are open at once on one connection. */
const STREAMS = 1_000;
const JSON_TYPE = "content-type: application/json";
const HOLD = JSON.stringify({ text: "hold" });

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

  await t.step("and reads a stream to its end", async () => {
    const request = new TextEncoder().encode(JSON.stringify({ text: "again", count: 200 }));
    const body = await files.write("repeat", enveloped(request));
    const url = `https://127.0.0.1:${served.port}/${SERVICE}/Repeat`;
    const got = await runTool(path, [
      ...["-y", ...certificate, "-H", "content-type: application/connect+json", "-d", body, url],
    ]);
    const read = openEnvelopes(new TextEncoder().encode(got.stdout)).map(({ flags, message }) => [
      flags,
      JSON.parse(new TextDecoder().decode(message)),
    ]);
    const items = Array.from({ length: 200 }, (_, index) => [
      0,
      { text: "again", ...(index > 0 ? { index } : {}) },
    ]);
    assert.deepEqual(read, [...items, [2, {}]]);
  });

  await t.step("and reads a stream in gRPC to its trailers", async () => {
    // An `EchoRequest` with a count of 20.
    const body = await files.write(
      "repeat",
      enveloped(Uint8Array.of(...echoMessage("a"), 0x18, 20)),
    );
    const url = `https://127.0.0.1:${served.port}/${SERVICE}/Repeat`;
    const headers = [
      "-H",
      "content-type: application/grpc",
      "-H",
      "te: trailers",
      "-H",
      "x-say: so",
    ];
    const got = await runTool(path, ["-v", "-y", ...certificate, ...headers, "-d", body, url]);
    assert.match(got.stdout, /recv DATA[^]*grpc-status: 0\n[^]*; END_STREAM/);
    assert.match(got.stdout, /recv DATA[^]*x-said-last: so\n/);
    assert.equal(served.record.repeated, 220);
  });

  await t.step("and takes 16 MiB through windows of 64 KiB", async () => {
    const large = echoMessage("large", new Uint8Array(LARGE_BYTES).fill(7));
    const body = await files.write("large", large);
    const windows = ["-w", "16", "-W", "16"];
    const got = await call(...windows, "-H", "content-type: application/proto", "-d", body);
    assert.ok(got.length >= LARGE_BYTES);
  });
});

testWithTool(nghttp, "nghttp holds 1,000 streams on one connection", async (path) => {
  await using served = await startEchoWorker();
  await using files = await PeerFiles.of(served.config);
  const answered = holdWithNghttp(path, served, files, STREAMS);
  await releaseTogether(served, STREAMS);
  const { code, stdout } = await answered;
  assert.deepEqual([code, stdout], [0, '{"text":"hold"}'.repeat(STREAMS)]);
});

testWithTool(nghttp, "nghttp is answered after a worker's GOAWAY", async (path) => {
  await using served = await startEchoWorker();
  await using files = await PeerFiles.of(served.config);
  const answered = holdWithNghttp(path, served, files, 20, "-v");
  await leaveTogether(served, 20);
  const { code, stdout } = await answered;
  assert.equal(code, 0);
  const answers = stdout.slice(stdout.indexOf("recv GOAWAY frame")).match(/:status: 200/g);
  assert.equal(answers?.length, 20);
});

testWithTool(
  nghttp,
  "nghttp is answered 431 for a header section above the limit",
  async (path) => {
    await using served = await startEchoWorker();
    await using files = await PeerFiles.of(served.config);
    const hello = await files.write("hello.json", JSON.stringify({ text: "hello" }));
    const { stdout } = await runTool(path, [
      ...["-v", "-y", "--cert", files.path("cert.pem"), "--key", files.path("key.pem")],
      ...["--continuation", "-H", JSON_TYPE, "-d", hello],
      `https://127.0.0.1:${served.port}/${ECHO}`,
    ]);
    assert.ok(stdout.includes(":status: 431"));
  },
);

for (const [security, scheme] of [["one-way TLS", "https"], ["plaintext", "http"]] as const) {
  const options = scheme === "https"
    ? { oneWay: true }
    : { credentials: undefined, allow: undefined };

  testWithTool(
    h2load,
    `h2load has a worker answer everything over ${security}`,
    async (path, t) => {
      await using served = await startEchoWorker(options);
      await using files = await PeerFiles.of(served.config);
      const hello = await files.write("hello.json", JSON.stringify({ text: "hello" }));
      const hold = await files.write("hold.json", HOLD);
      const json = ["-H", JSON_TYPE];
      const load = async (body: string, method: string, ...args: string[]): Promise<string> => {
        const url = `${scheme}://127.0.0.1:${served.port}/${SERVICE}/${method}`;
        const { code, stdout } = await runTool(path, [...args, "-d", body, url]);
        assert.equal(code, 0);
        return stdout;
      };

      await t.step("5,000 requests over four connections", async () => {
        const report = await load(hello, "Echo", "-n", "5000", "-c", "4", "-m", "50", ...json);
        assert.match(report, /5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout/);
        assert.match(report, /status codes: 5000 2xx/);
      });

      await t.step("16 MiB both ways, two at once", async () => {
        const large = echoMessage("large", new Uint8Array(LARGE_BYTES).fill(7));
        const body = await files.write("large", large);
        const type = ["-H", "content-type: application/proto"];
        const report = await load(body, "Echo", "-n", "8", "-c", "1", "-m", "2", ...type);
        assert.match(report, /status codes: 8 2xx/);
        assert.equal(dataIn(report), 8 * large.length);
      });

      await t.step("in gRPC, with trailers that it takes and does not show", async () => {
        const message = enveloped(echoMessage("hello"));
        const body = await files.write("grpc", message);
        const type = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
        const report = await load(body, "Echo", "-n", "100", "-c", "1", "-m", "100", ...type);
        assert.match(report, /100 done, 100 succeeded, 0 failed, 0 errored, 0 timeout/);
        assert.equal(dataIn(report), 100 * message.length);
      });

      await t.step("streams, each to its end", async () => {
        const request = new TextEncoder().encode(JSON.stringify({ text: "again", count: 5 }));
        const body = await files.write("repeat", enveloped(request));
        const type = ["-H", "content-type: application/connect+json"];
        const report = await load(body, "Repeat", "-n", "100", "-c", "1", "-m", "100", ...type);
        assert.match(report, /status codes: 100 2xx/);
        const items = [{}, { index: 1 }, { index: 2 }, { index: 3 }, { index: 4 }]
          .map((more) => JSON.stringify({ text: "again", ...more }));
        const bytes = [...items, "{}"].reduce((sum, { length }) => sum + 5 + length, 0);
        assert.equal(dataIn(report), 100 * bytes);
      });

      await t.step("1,000 requests held at once on one connection", async () => {
        const answered = load(hold, "Echo", "-n", "1000", "-c", "1", "-m", "1000", ...json);
        await releaseTogether(served, STREAMS);
        assert.match(
          await answered,
          /1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout/,
        );
      });
    },
  );

  testWithTool(
    h2load,
    `h2load is answered after a worker's GOAWAY over ${security}`,
    async (path) => {
      await using served = await startEchoWorker(options);
      await using files = await PeerFiles.of(served.config);
      const hold = await files.write("hold.json", HOLD);
      const args = ["-n", "50", "-c", "1", "-m", "50", "-H", JSON_TYPE, "-d", hold];
      const answered = runTool(path, [...args, `${scheme}://127.0.0.1:${served.port}/${ECHO}`]);
      await leaveTogether(served, 50);
      const { stdout } = await answered;
      assert.match(stdout, /50 done, 50 succeeded, 0 failed, 0 errored, 0 timeout/);
      assert.match(stdout, /status codes: 50 2xx/);
    },
  );
}

/** Has nghttp send requests at once that are held. */
async function holdWithNghttp(
  path: string,
  served: EchoWorker,
  files: PeerFiles,
  count: number,
  ...args: string[]
): Promise<ToolResult> {
  const hold = await files.write("hold.json", HOLD);
  return await runTool(path, [
    ...["-y", "-m", `${count}`, "--cert", files.path("cert.pem"), "--key", files.path("key.pem")],
    ...[...args, "-H", JSON_TYPE, "-d", hold, `https://127.0.0.1:${served.port}/${ECHO}`],
  ]);
}

/** The bytes of answers' bodies, as h2load counts them. */
function dataIn(report: string): number {
  return Number(/\((\d+)\) data/.exec(report)?.[1]);
}
