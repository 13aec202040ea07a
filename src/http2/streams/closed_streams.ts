/** How a stream that is gone had ended, which decides what late frames on it mean (RFC 9113 §5.1). */
export type ClosedHow = "ended" | "reset-by-us" | "reset-by-peer";

/** A power of two; frames on a stream that was forgotten end that stream once more, and nothing else. */
const REMEMBERED = 2048;

const HOWS: readonly ClosedHow[] = ["ended", "reset-by-us", "reset-by-peer"];

/** The streams that closed of late, each in the place that its id gives it. */
export class ClosedStreams {
  /** `(id >> 1) << 2 | how + 1`, made when the first stream closes. */
  #places: Int32Array | undefined;

  /** Remembers how a stream ended, in the place of one opened long before. */
  add(streamId: number, how: ClosedHow): void {
    this.#places ??= new Int32Array(REMEMBERED);
    const ordinal = streamId >> 1;
    this.#places[ordinal & (REMEMBERED - 1)] = ordinal << 2 | (HOWS.indexOf(how) + 1);
  }

  /** How the stream ended, or `undefined` where that was forgotten or it never was. */
  how(streamId: number): ClosedHow | undefined {
    const ordinal = streamId >> 1;
    const place = this.#places?.[ordinal & (REMEMBERED - 1)] ?? 0;
    if (place === 0 || (place & ~3) !== (ordinal << 2)) return undefined;
    return HOWS[(place & 3) - 1];
  }
}
