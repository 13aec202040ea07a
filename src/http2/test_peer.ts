import type { HeaderList } from "./header_list.ts";
import type { Stream, StreamEnd, StreamReceiver } from "./stream.ts";

/** The octets of a text. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A receiver for tests that keeps all it is told, and releases at once where it knows its stream. */
export class CollectedStream implements StreamReceiver {
  fields: HeaderList | undefined;
  trailerFields: HeaderList | undefined;
  readonly chunks: Uint8Array[] = [];
  stream: Stream | undefined;
  readonly closed_: Promise<StreamEnd>;
  #resolve!: (end: StreamEnd) => void;

  constructor() {
    this.closed_ = new Promise((resolve) => this.#resolve = resolve);
  }

  get text(): string {
    return this.chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  }

  headers(fields: HeaderList): void {
    this.fields = fields;
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.stream?.release(bytes.length);
  }

  trailers(fields: HeaderList): void {
    this.trailerFields = fields;
  }

  closed(end: StreamEnd): void {
    this.#resolve(end);
  }
}
