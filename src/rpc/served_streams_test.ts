import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { echoService, emptyRecord, throughPlainPath } from "../../tests/support/echo.ts";
import {
  anyCuts,
  anyEnvelope,
  cut,
  envelopes,
  untilTooLarge,
} from "../../tests/support/envelopes.ts";
import fc from "../../tests/support/fast_check.ts";
import { EchoRequestSchema, EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped, post, rawCall, type RawResponse } from "../../tests/support/raw_call.ts";
import { rpcPair, type RpcPairOptions } from "../../tests/support/rpc_pair.ts";
import { joined } from "../values/mod.ts";
import { createTransport } from "./mod.ts";

type ServedPath = "fast path" | "plain path";

const PATHS: readonly ServedPath[] = ["fast path", "plain path"];

function serve(path: ServedPath, options: RpcPairOptions = {}, service = emptyRecord()) {
  const pair = rpcPair((router) => {
    const plain = path === "plain path" ? { interceptors: [throughPlainPath] } : undefined;
    router.service(EchoService, echoService(service), plain);
  }, options);
  return { pair, record: service, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

function request(text: string, count = 2): Uint8Array {
  return toBinary(EchoRequestSchema, create(EchoRequestSchema, { text, count }));
}

function fieldsOf(method: string, ...more: string[]): string[] {
  return post(`/selvage.test.v1.EchoService/${method}`, "application/connect+proto", ...more);
}

function endOf({ body }: RawResponse): { error?: { code: string; message: string } } {
  const [flags, hex = ""] = envelopes(body).at(-1)!.split(" ");
  assert.equal(flags, "2");
  return JSON.parse(new TextDecoder().decode(Uint8Array.fromHex(hex)));
}

/** The messages of a response, and what ended it. */
function answered({ body, trailer }: RawResponse): { messages: string[]; end: string } {
  const messages = envelopes(body);
  return { messages, end: trailer.length > 0 ? sorted(trailer) : messages.pop()! };
}

const FIELDS: Readonly<Record<"connect+proto" | "grpc", readonly string[][]>> = {
  "connect+proto": [["connect-accept-encoding", "gzip"], ["connect-content-encoding", "zip"]],
  "grpc": [["grpc-accept-encoding", "gzip"], ["grpc-encoding", "zip"]],
};

for (const form of ["connect+proto", "grpc"] as const) {
  for (const method of ["Repeat", "Collect", "Converse"]) {
    Deno.test(`${form}: both paths answer any request to ${method} alike, in whatever pieces`, async () => {
      const limits = { messageBytes: 300, compressFromBytes: 200 };
      await using fast = serve("fast path", { limits });
      await using plain = serve("plain path", { limits });
      const texts = fc.constantFrom("a", "b", "a".repeat(250), "enough", "fail", "throw");
      const messages = texts.map((text) => request(text));
      const bodies = fc.array(anyEnvelope(messages), { maxLength: 3 }).map(joined);
      const more = fc.constantFrom([], ["x-say", "aye"], ...FIELDS[form]);
      await fc.assert(
        fc.asyncProperty(bodies, anyCuts, more, async (body, cuts, more) => {
          const path = `/selvage.test.v1.EchoService/${method}`;
          const fields = post(path, `application/${form}`, ...more);
          const answerOf = async ({ pair }: typeof fast, sent: Uint8Array) =>
            await rawCall(pair.client, fields, cut(sent, cuts)).response;
          const [ours, theirs] = [await answerOf(fast, body), await answerOf(plain, body)];
          const [said, expected] = [answered(ours), answered(theirs)];
          const prefix = untilTooLarge(body, 300);
          if (prefix.length === body.length) {
            assert.deepEqual(said, expected);
            assert.equal(sorted(ours.header), sorted(theirs.header));
            return;
          }
          // Of what came in one piece with a message that is too large, connect-es answers nothing.
          const before = answered(await answerOf(plain, prefix));
          const alike = (key: "messages" | "end") =>
            [expected, before].some((answer) => String(answer[key]) === String(said[key]));
          assert(alike("messages") && alike("end"), JSON.stringify([said, expected, before]));
        }),
        { numRuns: 200 },
      );
    });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.onabort = resolve);
}

/** Header fields, in whatever order. */
function sorted(fields: readonly string[]): string {
  const lines = fields.map((value, at) => at % 2 === 0 ? `${value}: ${fields[at + 1]}` : "");
  return lines.filter((line) => line !== "").sort().join("\n");
}

for (const path of PATHS) {
  Deno.test(`${path}: a server stream has exactly one request`, async () => {
    await using served = serve(path);
    const two = enveloped(request("a"));
    for (const [body, said] of [[[], "missing input"], [[two, two], "extra input"]] as const) {
      const response = await rawCall(served.pair.client, fieldsOf("Repeat"), [
        ...body,
        new Uint8Array(),
      ]).response;
      const { error } = endOf(response);
      assert.equal(error?.code, "unimplemented");
      assert(error.message.includes(said), error.message);
    }
    assert.equal(served.record.begun, 0);
  });

  Deno.test(`${path}: the request of a server stream that never ends is given up after its time`, async () => {
    await using served = serve(path, { limits: { receiveTimeoutMs: 30 } });
    const body = [enveloped(request("a"))];
    const response = await rawCall(served.pair.client, fieldsOf("Repeat"), body, false).response;
    assert.equal(endOf(response).error?.code, "deadline_exceeded");
    assert.equal(served.record.begun, 0);
    await served.pair.idle();
  });

  Deno.test(`${path}: a client stream and a conversation may take longer to arrive`, async () => {
    await using served = serve(path, { limits: { receiveTimeoutMs: 1 } });
    const client = createClient(
      EchoService,
      createTransport({ connection: served.pair.client, interceptors: [throughPlainPath] }),
    );
    async function* slow() {
      yield { text: "a" };
      await new Promise((resolve) => setTimeout(resolve, 30));
      yield { text: "b" };
    }
    assert.equal((await client.collect(slow())).text, "a b");
    const texts = await Array.fromAsync(client.converse(slow()), ({ text }) => text);
    assert.deepEqual(texts, ["a", "b"]);
  });

  for (const method of ["repeat", "collect", "converse"] as const) {
    for (const how of ["its caller leaves", "its deadline"] as const) {
      Deno.test(`${path}: ${method} counts as running until its implementation has ended, also after ${how}`, async () => {
        const [begun, ended] = [
          Promise.withResolvers<AbortSignal>(),
          Promise.withResolvers<void>(),
        ];
        const stubborn = async (_: unknown, { signal }: { signal: AbortSignal }) => {
          begun.resolve(signal);
          await ended.promise;
          return {};
        };
        const pair = rpcPair((router) => {
          router.service(EchoService, {
            collect: stubborn,
            async *repeat(request, context) {
              yield await stubborn(request, context);
            },
            async *converse(requests, context) {
              yield await stubborn(requests, context);
            },
          }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
        });
        await using _ = pair;
        const name = method[0]!.toUpperCase() + method.slice(1);
        const body = [enveloped(request("a"))];
        const make = (...time: string[]) =>
          rawCall(pair.client, fieldsOf(name, ...time), body, method === "repeat");
        let call = how === "its deadline" ? undefined : make();
        let signal = call && await begun.promise;
        // Where the deadline falls before the implementation, a longer one is taken.
        for (let timeoutMs = 30; signal === undefined; timeoutMs *= 2) {
          call = make("connect-timeout-ms", String(timeoutMs));
          signal = await Promise.race([begun.promise, call.response.then(() => undefined)]);
        }
        if (how === "its caller leaves") call!.stream.reset(8);
        await aborted(signal);
        const { code } = signal.reason as ConnectError;
        if (how === "its caller leaves") assert.equal(code, Code.Canceled);
        else {
          assert.equal(code, Code.DeadlineExceeded);
          call!.stream.reset(8);
        }
        await pair.client.ping();
        assert.equal(pair.running(), 1);
        ended.resolve();
        await pair.idle();
      });
    }
  }

  for (const method of ["collect", "converse"] as const) {
    Deno.test(`${path}: ${method} does not take requests that were cut off for all of them`, async () => {
      const [begun, left] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
      const read = Promise.withResolvers<string>();
      async function readAll(requests: AsyncIterable<unknown>, signal: AbortSignal) {
        try {
          for await (const _ of requests) {
            begun.resolve(signal);
            await left.promise;
          }
          read.resolve("all of them");
        } catch (error) {
          read.resolve(error instanceof ConnectError ? Code[error.code] : String(error));
        }
      }
      const pair = rpcPair((router) => {
        router.service(EchoService, {
          collect: async (requests, { signal }) => {
            await readAll(requests, signal);
            return {};
          },
          async *converse(requests, { signal }) {
            await readAll(requests, signal);
            yield {};
          },
        }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
      });
      await using _ = pair;
      const name = method[0]!.toUpperCase() + method.slice(1);
      const call = rawCall(pair.client, fieldsOf(name), [enveloped(request("a"))], false);
      const signal = await begun.promise;
      call.stream.reset(8);
      await aborted(signal);
      await pair.client.ping();
      left.resolve();
      assert.equal(await read.promise, "Canceled");
      await pair.idle();
    });
  }

  Deno.test(`${path}: an iterator is left while it makes an answer, and counts until it has ended`, async () => {
    const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ended = Promise.withResolvers<void>();
    const over = Promise.withResolvers<{ done: true; value: undefined }>();
    const pair = rpcPair((router) => {
      router.service(EchoService, {
        repeat: () => ({
          [Symbol.asyncIterator]: () => ({
            next() {
              asked.resolve();
              return over.promise;
            },
            async return() {
              over.resolve({ done: true, value: undefined });
              left.resolve();
              await ended.promise;
              return { done: true, value: undefined };
            },
          }),
        }),
      }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
    });
    await using _ = pair;
    const call = rawCall(pair.client, fieldsOf("Repeat"), [enveloped(request("a"))]);
    await asked.promise;
    call.stream.reset(8);
    await left.promise;
    await pair.client.ping();
    assert.equal(pair.running(), 1);
    ended.resolve();
    await pair.idle();
  });

  Deno.test(`${path}: a caller that leaves a server stream runs its finally`, async () => {
    await using served = serve(path);
    const client = createClient(EchoService, createTransport({ connection: served.pair.client }));
    for await (const _ of client.repeat({ text: "a", count: 1_000_000 })) break;
    await served.record.finished.until((count) => count === 1);
    await served.pair.idle();
    assert(served.record.repeated < 100_000);
  });

  Deno.test(`${path}: an error whose details cannot be written resets the stream`, async () => {
    let finished = 0;
    const pair = rpcPair((router) => {
      router.service(EchoService, {
        async *repeat() {
          try {
            yield {};
            const value = { data: "no bytes" } as never;
            throw new ConnectError("no", Code.Internal, {}, [{ desc: EchoRequestSchema, value }]);
          } finally {
            finished++;
          }
        },
      }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
    });
    await using _ = pair;
    const body = [enveloped(request("a"))];
    const { end } = await rawCall(pair.client, fieldsOf("Repeat"), body).response;
    assert.equal("code" in end && end.code, 2);
    await pair.idle();
    assert.equal(finished, 1);
  });

  for (
    const [how, messages, isWhole] of [["waits for them", 1, false], [
      "left some",
      40,
      true,
    ]] as const
  ) {
    Deno.test(`${path}: who reads requests learns that their call has failed where it ${how}`, async () => {
      const failed = Promise.withResolvers<void>();
      const read = Promise.withResolvers<unknown>();
      const failedToRead = assert.rejects(read.promise, { rawMessage: "enough" });
      const pair = rpcPair((router) => {
        router.service(EchoService, {
          converse: async function* (requests) {
            const reader = requests[Symbol.asyncIterator]();
            await reader.next();
            const rest = { [Symbol.asyncIterator]: () => reader };
            const readable = isWhole ? failed.promise : undefined;
            Promise.resolve(readable).then(() => Array.fromAsync(rest)).then(
              read.resolve,
              read.reject,
            );
            yield {};
            throw new ConnectError("enough", Code.OutOfRange);
          },
        }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
      });
      await using _ = pair;
      const body = Array.from({ length: messages }, () => enveloped(request("a")));
      const call = rawCall(pair.client, fieldsOf("Converse"), body, isWhole);
      assert.equal(endOf(await call.response).error?.code, "out_of_range");
      failed.resolve();
      await failedToRead;
      await pair.idle();
    });
  }

  Deno.test(`${path}: a request that was asked for, and not awaited yet, may fail`, async () => {
    const unhandled: unknown[] = [];
    const note = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unhandled.push(event.reason);
    };
    addEventListener("unhandledrejection", note);
    try {
      const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const pair = rpcPair((router) => {
        router.service(EchoService, {
          collect: async (requests, { signal }) => {
            const reader = requests[Symbol.asyncIterator]();
            await reader.next();
            const ahead = reader.next();
            begun.resolve();
            await aborted(signal);
            await done.promise;
            await ahead;
            return {};
          },
        }, path === "plain path" ? { interceptors: [throughPlainPath] } : undefined);
      });
      await using _ = pair;
      const call = rawCall(pair.client, fieldsOf("Collect"), [enveloped(request("a"))], false);
      await begun.promise;
      call.stream.reset(8);
      await pair.client.ping();
      await new Promise((resolve) => setTimeout(resolve));
      done.resolve();
      await pair.idle();
      assert.deepEqual(unhandled, []);
    } finally {
      removeEventListener("unhandledrejection", note);
    }
  });
}
