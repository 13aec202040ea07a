/** A payload as it travels: the answer is written in the form of the question. */
export type ThreadPayload =
  | { readonly form: "cbor"; readonly bytes: Uint8Array }
  | { readonly form: "json"; readonly text: string };

/** What of a call's context a thread may know; everything in it survives structured cloning. */
export interface ThreadCallFacts {
  /** The call's id. */
  readonly id: string;
  /** The id of the call that made this one. */
  readonly parentId?: string;
  /** Who calls, as plain values. */
  readonly peer: unknown;
  /** The claims of the caller's verified token. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** When the call's time runs out, in milliseconds since the epoch. */
  readonly deadline?: number;
  /** The tags of the call. */
  readonly tags: readonly string[];
}

/** One call, as the worker hands it to a thread. */
export interface ThreadCall {
  /** What `currentCall()` answers inside of the thread. */
  readonly facts: ThreadCallFacts;
  /** Aborts when the caller cancels or the deadline passes; its reason rejects the call at once. */
  readonly signal: AbortSignal;
  /** How many items a stream may be ahead of its reader. Default 16. */
  readonly ahead?: number;
}

/** Runs routines marked `run: "thread"` outside of the worker's own thread. */
export interface ThreadPool extends AsyncDisposable {
  /** Runs a routine that gives one result. */
  call(routine: string, args: ThreadPayload, call: ThreadCall): Promise<ThreadPayload>;
  /** Runs a routine that streams; nothing starts before the first `next()`. */
  stream(
    routine: string,
    args: ThreadPayload,
    call: ThreadCall,
  ): AsyncGenerator<ThreadPayload, void, undefined>;
  /** Runs a routine that reads a stream and writes one. */
  duplex(
    routine: string,
    input: AsyncIterable<ThreadPayload>,
    args: ThreadPayload,
    call: ThreadCall,
  ): AsyncGenerator<ThreadPayload, void, undefined>;
  /** How the threads fare. */
  readonly state: ThreadPoolState;
}

/** A snapshot of a {@linkcode ThreadPool}. */
export interface ThreadPoolState {
  /** Threads that run, the ones starting included. */
  readonly threads: number;
  /** Calls in a thread. */
  readonly running: number;
  /** Calls that wait for a thread. */
  readonly waiting: number;
  /** How many threads were replaced since the start. */
  readonly replaced: number;
}

/** How threads are made. */
export interface ThreadPoolOptions {
  /** Modules that export the routines, as the worker imports them. */
  readonly modules: readonly (string | URL)[];
  /** How many threads at most; each starts when it is first needed. */
  readonly threads: number;
  /** How long a call may go on after its signal before its thread is replaced. Default 5,000 ms. */
  readonly graceMs?: number;
}
