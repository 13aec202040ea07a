import assert from "node:assert/strict";
import { connect, type ConnectionOptions } from "node:tls";
import { Duplex } from "node:stream";
import fc from "../../../tests/support/fast_check.ts";
import { CLIENT_HELLO_BYTES, readClientHello } from "./client_hello.ts";

/** The ClientHello that the platform's own client writes. */
function helloOf(options: ConnectionOptions): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const nowhere = new Duplex({
    read() {},
    write: (bytes: Uint8Array, _encoding, written) => {
      resolve(new Uint8Array(bytes));
      written();
    },
  });
  const socket = connect({ socket: nowhere, ca: [], ...options });
  socket.on("error", () => {});
  return promise.finally(() => socket.destroy());
}

/** A ClientHello with these extensions and nothing else of interest. */
function helloWith(
  ...extensions: readonly (readonly [type: number, content: number[]])[]
): Uint8Array {
  const listed = extensions.flatMap(([type, content]) => [
    ...two(type),
    ...two(content.length),
    ...content,
  ]);
  const body = [
    3,
    3,
    ...new Array<number>(32).fill(7),
    0,
    ...two(2),
    0x13,
    1,
    1,
    0,
    ...two(listed.length),
    ...listed,
  ];
  const message = [1, 0, ...two(body.length), ...body];
  return new Uint8Array([0x16, 3, 1, ...two(message.length), ...message]);
}

function two(value: number): number[] {
  return [value >> 8, value & 0xff];
}

Deno.test("readClientHello finds the protocols a client offers", async () => {
  const hello = readClientHello(await helloOf({ ALPNProtocols: ["h2", "selvage-look"] }));
  assert.deepEqual(hello, { resumes: false, protocols: ["h2", "selvage-look"] });
});

Deno.test("readClientHello finds offers to resume, of TLS 1.3 and of TLS 1.2", () => {
  assert.equal(readClientHello(helloWith([41, [1, 2, 3]]))?.resumes, true);
  assert.equal(readClientHello(helloWith([35, [1]]))?.resumes, true);
  assert.equal(readClientHello(helloWith([35, []]))?.resumes, false);
});

Deno.test("readClientHello asks for more until the message is whole", async () => {
  const whole = await helloOf({ ALPNProtocols: ["h2"] });
  for (let length = 0; length < whole.length; length += 1) {
    assert.equal(readClientHello(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
  assert.notEqual(readClientHello(whole), undefined);
});

Deno.test("readClientHello reads a message that is cut into several records", () => {
  const whole = helloWith([41, [9]]);
  const first = whole.subarray(5, 30);
  const second = whole.subarray(30);
  const cut = new Uint8Array([
    0x16,
    3,
    1,
    ...two(first.length),
    ...first,
    0x16,
    3,
    1,
    ...two(second.length),
    ...second,
  ]);
  assert.equal(readClientHello(cut)?.resumes, true);
});

Deno.test("readClientHello gives up on one that never ends", () => {
  const endless = new Uint8Array(CLIENT_HELLO_BYTES);
  endless.set([0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff]);
  assert.deepEqual(readClientHello(endless), { resumes: false, protocols: [] });
});

Deno.test("readClientHello never throws, whatever it is given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    readClientHello(bytes);
    readClientHello(new Uint8Array([0x16, 3, 1, ...two(bytes.length), ...bytes]));
  }));
});
