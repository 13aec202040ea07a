/** A frame (RFC 9113 §4.1) whose length and stream fit in two octets. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

/** The types of frames that are looked at (RFC 9113 §6). */
export const FRAME = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7 } as const;

const HEADER_BYTES = 9;

/** The octets of a frame. */
export function frame({ type, flags, stream }: Frame, content: readonly number[] = []): number[] {
  const { length } = content;
  return [0, length >> 8, length & 0xff, type, flags, 0, 0, stream >> 8, stream & 0xff, ...content];
}

/** The frames that arrive, until the other end leaves; `skipped` octets come before the first. */
export async function* framesFrom(connection: Deno.Conn, skipped = 0): AsyncGenerator<Frame> {
  let gathered: number[] = [];
  for await (const piece of connection.readable.values({ preventCancel: true })) {
    gathered.push(...piece);
    if (skipped > gathered.length) continue;
    gathered = gathered.slice(skipped);
    skipped = 0;
    let at = 0;
    for (;;) {
      const [, high = 0, low = 0, type, flags = 0, , , first = 0, second = 0] = gathered.slice(
        at,
        at + HEADER_BYTES,
      );
      const end = at + HEADER_BYTES + (high << 8 | low);
      if (type === undefined || gathered.length < end) break;
      yield { type, flags, stream: first << 8 | second };
      at = end;
    }
    gathered = gathered.slice(at);
  }
}
