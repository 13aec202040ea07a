/**
 * That `node:http2` dies of a GOAWAY today, as a server and as a client. Where one of these fails after an
 * upgrade, foreign HTTP/2 peers may run under Deno too (they run under Node, `tests/foreign`), and DESIGN.md's
 * reason for an HTTP/2 of our own is one less.
 */
import assert from "node:assert/strict";
import { type Ended, startChild } from "./child.ts";
import { FRAME, frame, framesFrom } from "./http2_frames.ts";

/** Enough closed streams that their memory has been taken for other things when it is read again. */
const STREAMS = 1000;
/** How many are open at once. */
const AT_ONCE = 100;
/** One GOAWAY does not always do: it depends on what has become of that memory. */
const GOAWAYS = 4;
/** And a process that survives the first ones may well survive them all. */
const PROCESSES = 10;

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const END_STREAM = 0x01;
const END_HEADERS = 0x04;
const ACK = 0x01;
const SETTINGS = frame({ type: FRAME.settings, flags: 0, stream: 0 });
const SETTINGS_ACK = frame({ type: FRAME.settings, flags: ACK, stream: 0 });
/** Of no error; no stream was processed. */
const GOAWAY = frame({ type: FRAME.goaway, flags: 0, stream: 0 }, new Array(8).fill(0));
/** `:method: GET`, `:scheme: http`, `:path: /`, `:authority: x`. */
const REQUEST = [0x82, 0x86, 0x84, 0x01, 1, 0x78];
/** `:status: 200`. */
const ANSWER = [0x88];

/** Tries one process after the other until one was killed by a signal: by no exception of its own, and not by us. */
async function assertDies(attempt: () => Promise<Ended | "survived">): Promise<void> {
  for (let count = 0; count < PROCESSES; count++) {
    const outcome = await attempt();
    if (outcome === "survived") continue;
    const { signal, code, errors } = outcome;
    assert.ok(signal === "SIGABRT" || signal === "SIGSEGV", `${signal} ${code} ${errors}`);
    return;
  }
  assert.fail(`${PROCESSES} processes survived ${GOAWAYS} GOAWAYs each`);
}

Deno.test("a server of node:http2 dies of a client's GOAWAY", async () => {
  const script = `
    import { createServer } from "node:http2";
    const server = createServer();
    server.on("session", (session) => session.on("error", () => {}));
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      stream.end();
    });
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));
  `;
  await assertDies(async () => {
    await using child = startChild(script, {});
    const port = Number(await child.firstLine);
    for (let count = 0; count < GOAWAYS; count++) {
      if (!await isServed(() => leaveByGoaway(port))) return await child.ended;
    }
    return "survived";
  });
});

Deno.test("a client of node:http2 dies of a server's GOAWAY", async () => {
  const script = `
    import { connect } from "node:http2";
    const { port, streams, atOnce } = JSON.parse(Deno.args[0]);
    function session() {
      const client = connect("http://127.0.0.1:" + port);
      client.on("error", () => {});
      client.on("goaway", () => setImmediate(session));
      let left = streams;
      let open = 0;
      const begin = () => {
        left -= 1;
        open += 1;
        const stream = client.request({ ":path": "/" });
        stream.on("error", () => {});
        stream.on("close", () => {
          open -= 1;
          if (left > 0) begin();
          else if (open === 0) client.ping(() => {});
        });
        stream.resume();
        stream.end();
      };
      for (let count = 0; count < atOnce; count++) begin();
    }
    session();
  `;
  await assertDies(async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const config = { port: listener.addr.port, streams: STREAMS, atOnce: AT_ONCE };
    await using child = startChild(script, config);
    for (let count = 0; count < GOAWAYS; count++) {
      const next = await Promise.race([listener.accept(), child.ended]);
      if (!("readable" in next)) return next;
      await isServed(() => dismissByGoaway(next));
    }
    return "survived";
  });
});

/** Makes its requests, says GOAWAY when all are answered, and waits until the server has hung up. */
async function leaveByGoaway(port: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = (octets: readonly number[]) => connection.write(Uint8Array.from(octets));
  let begun = 0;
  const requests = (count: number): number[] =>
    Array.from({ length: Math.min(count, STREAMS - begun) }, () => {
      const stream = 1 + 2 * begun++;
      return frame({ type: FRAME.headers, flags: END_STREAM | END_HEADERS, stream }, REQUEST);
    }).flat();
  await send([...PREFACE, ...SETTINGS, ...requests(AT_ONCE)]);
  let ended = 0;
  for await (const { type, flags } of framesFrom(connection)) {
    if (type === FRAME.settings && flags !== ACK) await send(SETTINGS_ACK);
    if (type > FRAME.headers || (flags & END_STREAM) === 0) continue;
    ended += 1;
    await send(ended === STREAMS ? GOAWAY : requests(1));
  }
  assert.equal(ended, STREAMS);
}

/** Answers every request, and the ping that follows the last one with GOAWAY. */
async function dismissByGoaway(connection: Deno.Conn): Promise<void> {
  using _ = connection;
  const send = (octets: readonly number[]) => connection.write(Uint8Array.from(octets));
  await send(SETTINGS);
  for await (const { type, flags, stream } of framesFrom(connection, PREFACE.length)) {
    if (type === FRAME.settings && flags !== ACK) await send(SETTINGS_ACK);
    if (type === FRAME.ping) await send(GOAWAY);
    if (type > FRAME.headers || (flags & END_STREAM) === 0) continue;
    await send([
      ...frame({ type: FRAME.headers, flags: END_HEADERS, stream }, ANSWER),
      ...frame({ type: FRAME.data, flags: END_STREAM, stream }, [0x6f, 0x6b]),
    ]);
  }
}

/** Whether the other process was there to the end of the exchange. */
async function isServed(exchange: () => Promise<void>): Promise<boolean> {
  try {
    await exchange();
    return true;
  } catch {
    return false;
  }
}
