/**
 * How many bytes there are, whatever a subclass says of its `length`: no more are copied, and behind them the message
 * would keep what its buffer held before, of another message.
 */
export function byteCount(bytes: Uint8Array): number {
  return lengthOf.call(bytes);
}

const lengthOf: (this: Uint8Array) => number = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "length",
)!.get!;
