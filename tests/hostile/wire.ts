import { once } from "node:events";
import type { Duplex } from "node:stream";

/** What octets come and go over. */
export interface Wire {
  /** Hands on what comes; resolves when nothing comes any more, however that came about. */
  read(take: (bytes: Uint8Array) => void): Promise<void>;
  /** Sends octets; rejects where they cannot be sent any more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our direction. */
  end(): Promise<void>;
  /** Is gone. */
  close(): void;
}

const READ_BYTES = 64 * 1024;

/** Over a connection of the platform. */
export function connWire(conn: Deno.Conn): Wire {
  let open = true;
  return {
    async read(take) {
      const buffer = new Uint8Array(READ_BYTES);
      try {
        for (;;) {
          const count = await conn.read(buffer);
          if (count === null) return;
          take(buffer.subarray(0, count));
        }
      } catch {
        // A reset: as good as an end.
      }
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    },
    end: () => conn.closeWrite().catch(() => {}),
    close() {
      if (open) conn.close();
      open = false;
    },
  };
}

/** Over a socket of Node's kind, which alone can ask a client for its certificate. */
export function socketWire(socket: Duplex): Wire {
  // What cannot be sent any more fails where it is written.
  socket.on("error", () => {});
  return {
    async read(take) {
      socket.on("data", take);
      const over = ["end", "close"].map((event) => once(socket, event).catch(() => {}));
      if (!socket.destroyed) await Promise.race(over);
    },
    write: (bytes) =>
      new Promise((sent, failed) => {
        socket.write(bytes, (error) => error ? failed(error) : sent());
      }),
    end: () => Promise.resolve(void socket.end()),
    close: () => void socket.destroy(),
  };
}
