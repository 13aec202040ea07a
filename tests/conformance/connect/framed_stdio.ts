/** The messages on standard input, each after its length in four octets. */
export async function* framedInput(): AsyncGenerator<Uint8Array> {
  let left = new Uint8Array(0);
  for await (const chunk of Deno.stdin.readable) {
    const bytes = new Uint8Array(left.length + chunk.length);
    bytes.set(left);
    bytes.set(chunk, left.length);
    left = bytes;
    while (left.length >= 4) {
      const length = new DataView(left.buffer, left.byteOffset).getUint32(0);
      if (left.length < 4 + length) break;
      yield left.slice(4, 4 + length);
      left = left.slice(4 + length);
    }
  }
}

/** Writes a message to standard output after its length in four octets. */
export function writeFramed(message: Uint8Array): void {
  const bytes = new Uint8Array(4 + message.length);
  new DataView(bytes.buffer).setUint32(0, message.length);
  bytes.set(message, 4);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
