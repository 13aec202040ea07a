/** How a stream that is gone had ended, which decides what late frames on it mean (RFC 9113 §5.1). */
export type ClosedHow = "ended" | "reset-by-us" | "reset-by-peer";

/** A power of two; frames on a stream that was forgotten end that stream once more, and nothing else. */
const REMEMBERED = 2048;
/** A power of two: what a connection that carries few calls is given. */
const PLACES_AT_FIRST = 4;

const HOWS: readonly ClosedHow[] = ["ended", "reset-by-us", "reset-by-peer"];

/** An array while there are few, without the buffer of an `Int32Array`, which takes 200 bytes for itself. */
type Places = number[] | Int32Array;

/** The streams that closed of late, each in the place that its id gives it. */
export class ClosedStreams {
  /** `(id >> 1) << 2 | how + 1`, made when the first stream closes. */
  #places: Places | undefined;

  /** Remembers how a stream ended, in the place of one opened long before. */
  add(streamId: number, how: ClosedHow): void {
    const ordinal = streamId >> 1;
    const entry = ordinal << 2 | (HOWS.indexOf(how) + 1);
    let places = this.#places ??= new Array<number>(PLACES_AT_FIRST).fill(0);
    while (places.length < REMEMBERED && isTaken(places, ordinal)) {
      places = this.#places = grown(places);
    }
    places[ordinal & (places.length - 1)] = entry;
  }

  /** How the stream ended, or `undefined` where that was forgotten or it never was. */
  how(streamId: number): ClosedHow | undefined {
    const places = this.#places;
    if (places === undefined) return undefined;
    const ordinal = streamId >> 1;
    const place = places[ordinal & (places.length - 1)]!;
    if (place === 0 || (place & ~3) !== (ordinal << 2)) return undefined;
    return HOWS[(place & 3) - 1];
  }
}

/** Whether the place of a stream holds another one. */
function isTaken(places: Places, ordinal: number): boolean {
  const place = places[ordinal & (places.length - 1)]!;
  return place !== 0 && (place & ~3) !== (ordinal << 2);
}

function grown(places: Places): Int32Array {
  const larger = new Int32Array(2 * places.length);
  for (const place of places) {
    // An empty one would overwrite the first.
    if (place !== 0) larger[(place >>> 2) & (larger.length - 1)] = place;
  }
  return larger;
}
