/** What a stream keeps of the list that it waits in. */
export interface Listed<Stream extends Listed<Stream>> {
  /** The list, and the neighbours in it. */
  list: StreamList<Stream> | undefined;
  previous: Stream | undefined;
  next: Stream | undefined;
}

/** Streams in the order in which it is their turn; a stream is in one list at most. */
export class StreamList<Stream extends Listed<Stream>> {
  #first: Stream | undefined;
  #last: Stream | undefined;
  /** How many streams are in the list. */
  length = 0;

  /** The stream whose turn it is. */
  get first(): Stream | undefined {
    return this.#first;
  }

  /** Adds a stream at the end. */
  push(stream: Stream): void {
    stream.list = this;
    stream.previous = this.#last;
    stream.next = undefined;
    if (this.#last) this.#last.next = stream;
    else this.#first = stream;
    this.#last = stream;
    this.length++;
  }

  /** Adds a stream at the beginning. */
  unshift(stream: Stream): void {
    stream.list = this;
    stream.previous = undefined;
    stream.next = this.#first;
    if (this.#first) this.#first.previous = stream;
    else this.#last = stream;
    this.#first = stream;
    this.length++;
  }

  /** Takes a stream of this list out of it. */
  remove(stream: Stream): void {
    if (stream.previous) stream.previous.next = stream.next;
    else this.#first = stream.next;
    if (stream.next) stream.next.previous = stream.previous;
    else this.#last = stream.previous;
    stream.list = stream.previous = stream.next = undefined;
    this.length--;
  }

  /** Moves a stream of this list to its end. */
  rotate(stream: Stream): void {
    if (stream === this.#last) return;
    this.remove(stream);
    this.push(stream);
  }
}
