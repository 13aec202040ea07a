import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { HeaderList, Stream } from "../../http2/mod.ts";
import { echoService } from "../../../tests/support/echo.ts";
import {
  EchoRequestSchema,
  EchoService,
} from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { enveloped, post } from "../../../tests/support/raw_call.ts";
import { createRequestHandler } from "./request_handler.ts";
import { createRpcRouter } from "./router.ts";

const ECHO = post("/selvage.test.v1.EchoService/Echo", "application/grpc+proto", "te", "trailers");
/** A quarter of it holds one message of {@linkcode MESSAGE}, and not two. */
const GATHERED_BYTES = 1024 * 1024;
const MESSAGE = enveloped(
  toBinary(EchoRequestSchema, create(EchoRequestSchema, { data: new Uint8Array(150_000) })),
);
const CONNECTIONS = 4;

/** A stream that is answered with a `grpc-status`. */
class AnsweredStream implements Stream {
  readonly id = 1;
  readonly status: Promise<string | undefined>;
  readonly #answered = Promise.withResolvers<string | undefined>();

  constructor() {
    this.status = this.#answered.promise;
  }

  sendHeaders(fields: HeaderList, endStream: boolean): void {
    if (endStream) this.sendTrailers(fields);
  }

  sendData(): boolean {
    return true;
  }

  flush(): void {}

  sendTrailers(fields: HeaderList): void {
    this.#answered.resolve(fields[fields.indexOf("grpc-status") + 1]);
  }

  release(): void {}
  takeWhole(): void {}

  reset(): void {
    this.#answered.resolve(undefined);
  }
}

/** Serves an echo to peers that are told apart by their names. */
function serve(): (peer: string) => (endStream: boolean) => AnsweredStream {
  const router = createRpcRouter();
  router.service(EchoService, echoService());
  const handler = createRequestHandler<string, undefined>({
    router,
    admit: () => ({ admitted: true, context: undefined, release: () => {} }),
    gatheredBytes: GATHERED_BYTES,
    peerKey: (peer) => peer,
  });
  return (peer) => {
    const onRequest = handler(peer);
    return (endStream) => {
      const stream = new AnsweredStream();
      const receiver = onRequest(stream, ECHO, false);
      receiver.data(MESSAGE.subarray(0, 100_000), false);
      receiver.data(MESSAGE.subarray(100_000, 149_000), false);
      if (endStream) receiver.data(MESSAGE.subarray(149_000), true);
      return stream;
    };
  };
}

Deno.test("createRequestHandler() gives a peer one share of the memory for messages, however many connections it has", async () => {
  const connect = serve();
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const send = connect("greedy");
    for (let message = 0; message < 2; message++) send(false);
  }
  assert.equal(await connect("modest")(true).status, "0");
  assert.equal(await connect("greedy")(true).status, "8");
});
