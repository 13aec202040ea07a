/**
 * The HTTP/2 layer alone behind a plaintext socket, for h2spec: answers every request with a short
 * page once its body has arrived. Prints its port.
 */
import { createServer } from "node:net";
import { openServerConnection, type Stream, type StreamReceiver } from "../../src/http2/mod.ts";
import { NodeSocketChannel } from "./node_socket_channel.ts";

const RESPONSE = [":status", "200", "content-type", "text/plain"];
const PAGE = new TextEncoder().encode("Hello from the other end of the wire.\n");

const server = createServer({ allowHalfOpen: true }, (socket) => {
  openServerConnection(new NodeSocketChannel(socket), {
    onRequest(stream, _fields, endStream) {
      if (endStream) answer(stream);
      return new Answering(stream);
    },
  });
});

server.listen(Number(Deno.args[0] ?? 0), "127.0.0.1", () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === "object" ? address?.port : undefined }));
});

class Answering implements StreamReceiver {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#stream.release(bytes.length);
    if (endStream) answer(this.#stream);
  }

  trailers(): void {
    answer(this.#stream);
  }

  closed(): void {}
}

function answer(stream: Stream): void {
  stream.sendHeaders(RESPONSE, false);
  stream.sendData(PAGE, true);
}
