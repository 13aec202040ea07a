import type { AuthenticationError, AuthorizationError } from "../../errors/mod.ts";
import type { AdmittedCall } from "./admitted_call.ts";

/** What may end a running call that has begun rightly. */
export interface RunningCall {
  /** What it was admitted with. */
  readonly admitted: AdmittedCall;
  /** The routine, or the method. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Called when the caller's token has ended. */
  readonly expired: (error: AuthenticationError) => void;
  /**
   * Called where the call is denied, with what it ends with, and what settles once its implementation has ended: until
   * then it counts.
   */
  readonly denied: (error: Error, ended: Promise<unknown>) => void;
  /** What the call ends with where it is denied. Default: the error itself. */
  readonly asThrown?: (error: Denial) => Error;
}

/**
 * The items of a running call for as long as its caller may make it: once the policy has changed and
 * denies it, or the caller's token has ended, the items end with that error at once, also while the next one
 * is waited for.
 */
export function whileAllowed<Item>(
  items: AsyncIterable<Item>,
  call: RunningCall,
): AsyncIterable<Item> {
  const watch = watchOf(call);
  return watch === undefined ? items : new AllowedItems(items[Symbol.asyncIterator](), watch, call);
}

/** The same for a call that answers once; what it still answers after a denial is for nobody. */
export function answerWhileAllowed<Answer>(
  answer: Promise<Answer>,
  call: RunningCall,
): Promise<Answer> {
  const watch = watchOf(call);
  if (watch === undefined) return answer;
  return new Promise((resolve, reject) => {
    const ended = answer.then(resolve, reject).then(() => watch.stop());
    watch.onDenied((error) => {
      reject(error);
      call.denied(error, ended);
    });
  });
}

/** The items of a call that may be denied. For one reader. */
class AllowedItems<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #items: AsyncIterator<Item>;
  readonly #watch: DenialWatch;
  #isOver = false;
  /** What the items end with; thrown once, also to who leaves them: that is what the call has ended with. */
  #denial: Error | undefined;
  /** The item that is waited for, and who waits for it. */
  #asked: Promise<IteratorResult<Item>> | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(items: AsyncIterator<Item>, watch: DenialWatch, { denied }: RunningCall) {
    this.#items = items;
    this.#watch = watch;
    watch.onDenied((error) => {
      if (this.#isOver) return;
      this.#end();
      // Not awaited: what does not look at its signal may take for ever.
      const left = Promise.try(() => items.return?.());
      const ended = Promise.allSettled([this.#asked, left]);
      if (this.#reject === undefined) this.#denial = error;
      else this.#reject(error);
      denied(error, ended);
    });
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#isOver) return this.#afterEnd();
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      const failed = (error: unknown) => {
        this.#asked = this.#reject = undefined;
        this.#end();
        reject(error);
      };
      try {
        this.#asked = this.#items.next();
      } catch (error) {
        // An iterator of the program's own may throw at once.
        return failed(error);
      }
      this.#asked.then((result) => {
        this.#asked = this.#reject = undefined;
        if (!result.done) return resolve(result);
        this.#end();
        resolve(DONE);
      }, failed);
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (this.#isOver) return await this.#afterEnd();
    this.#end();
    await this.#items.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #afterEnd(): Promise<IteratorReturnResult<undefined>> {
    const denial = this.#denial;
    this.#denial = undefined;
    return denial === undefined ? Promise.resolve(DONE) : Promise.reject(denial);
  }

  #end(): void {
    this.#isOver = true;
    this.#watch.stop();
  }
}

/** Notices that the caller of a running call may not make it any more. */
class DenialWatch {
  #error: Error | undefined;
  #denied: ((error: Error) => void) | undefined;
  readonly #asThrown: (error: Denial) => Error;
  #isStopped = false;
  readonly #stops: (() => void)[] = [];

  constructor(asThrown: (error: Denial) => Error = (error) => error) {
    this.#asThrown = asThrown;
  }

  /** What it is stopped with. */
  add(stop: () => void): void {
    if (this.#isStopped) stop();
    else this.#stops.push(stop);
  }

  denied(error: Denial): void {
    if (this.#error !== undefined) return;
    this.#error = this.#asThrown(error);
    this.#denied?.(this.#error);
  }

  /** Calls back with what the call ends with, at once where it is denied already. */
  onDenied(denied: (error: Error) => void): void {
    this.#denied = denied;
    if (this.#error !== undefined) denied(this.#error);
  }

  stop(): void {
    this.#isStopped = true;
    this.#denied = undefined;
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** Watches a call; nothing where nothing ever ends it. */
function watchOf(
  { admitted: { authorization, session }, name, tags, expired, asThrown }: RunningCall,
): DenialWatch | undefined {
  const watch = new DenialWatch(asThrown);
  const stop = authorization?.watch(name, tags, (error) => watch.denied(error));
  if (stop !== undefined) watch.add(stop);
  if (session !== undefined) {
    const token = session.watch((error) => {
      // First, so that this is why its signal aborts.
      expired(error);
      watch.denied(error);
    });
    watch.add(() => token[Symbol.dispose]());
  }
  return stop === undefined && session === undefined ? undefined : watch;
}

type Denial = AuthenticationError | AuthorizationError;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
