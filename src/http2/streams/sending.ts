import type { HeaderList } from "../header_list.ts";
import { ChunkQueue } from "./chunk_queue.ts";

/** Our direction of a stream: what waits to be sent, and the window for it. */
export class Sending {
  /** What we may send; below 0 after the peer's SETTINGS took away more than was left (RFC 9113 §6.9.2). */
  window = 0;
  /** Header sections that wait to be sent: 1xx ones before the final one. */
  headers: HeaderList[] | undefined;
  /** The final header section has been sent, so that DATA may follow. */
  headersSent = false;
  /** DATA that waits. */
  readonly queue: ChunkQueue = new ChunkQueue();
  trailers: HeaderList | undefined;
  /** What is queued ends our direction. */
  endQueued = false;
  /** `sendData` has returned `false`, and `writable` is owed to the receiver. */
  owesWritable = false;

  /** Forgets what waits. */
  clear(): void {
    this.queue.clear();
    this.headers = this.trailers = undefined;
  }
}
