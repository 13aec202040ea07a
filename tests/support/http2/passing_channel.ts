import type { ByteChannel, ByteReceiver } from "../../../src/http2/byte_channel.ts";

/** For tests: a channel that writes through another one; what arrives is up to the subclass. */
export abstract class PassingChannel implements ByteChannel {
  protected readonly inner: ByteChannel;

  constructor(inner: ByteChannel) {
    this.inner = inner;
  }

  abstract start(receiver: ByteReceiver): void;

  write(bytes: Uint8Array, written: () => void): void {
    this.inner.write(bytes, written);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }
}
