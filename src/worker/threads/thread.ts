import { unusable } from "../../errors/mod.ts";
import { type Clock, loggerFor } from "../../observe/mod.ts";
import type { CallContext, InvokeOptions } from "../../routine/mod.ts";
import { CallPort } from "./call_port.ts";
import { dispatchFor } from "./dispatch_for.ts";
import { HostedCalls } from "./hosted_calls.ts";
import type { DispatchFacts, FromThread, ThreadCallFacts, ToThread } from "./messages.ts";
import { parcelled } from "./payload.ts";
import { threadEntry } from "./thread_location.ts";
import { messageOf } from "../../values/mod.ts";

/** What a {@linkcode Thread} is given. */
export interface ThreadOptions {
  /** Modules that export the routines. */
  readonly modules: readonly (string | URL)[];
  readonly invoke: InvokeOptions;
  /** The call of that number, for calls from within it. */
  readonly contextOf: (call: number) => CallContext | undefined;
  /** Called when the thread, once loaded, may have become free, is leaving, computes on, or is gone. */
  readonly onChange: () => void;
  readonly clock: Clock;
  /** How long it may go on after it was asked to stop before it is taken to compute, in milliseconds. */
  readonly graceMs: number;
}

/** One Deno Worker and the calls it has taken. */
export class Thread {
  /** For calls to the thread. */
  readonly port: CallPort<ThreadCallFacts>;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #dispatches: HostedCalls<DispatchFacts>;
  readonly #loading = Promise.withResolvers<void>();
  #state: "loading" | "ready" | "leaving" | "computing" | "gone" = "loading";
  #late: Disposable | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.port = new CallPort(
      (message) => this.#post({ kind: "serve", message }),
      (error) => this.leave(error),
    );
    this.#dispatches = new HostedCalls<DispatchFacts>(
      dispatchFor(options.contextOf),
      (message) => this.#post({ kind: "dispatched", message }),
    );
    this.#loading.promise.catch(() => {});
    this.#worker = new Worker(threadEntry, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
      try {
        this.#receive(data);
      } catch (error) {
        // Thrown from here it would end the process.
        this.#broken(`it sent what cannot be understood: ${messageOf(error)}`);
      }
    };
    this.#worker.onmessageerror = () => this.leave(new Error("a thread sent what cannot be read"));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken(event.message);
      // It has ended by itself.
      this.#gone();
    };
    const { modules, invoke } = options;
    // The stack stays in this process, for the log, where it may not travel to the caller.
    const inThread = { ...invoke, sendStack: true };
    this.#post({ kind: "load", modules: modules.map(String), options: inThread });
  }

  /** Fulfilled when the modules are loaded; rejected where they cannot be. */
  get loaded(): Promise<void> {
    return this.#loading.promise;
  }

  /** Whether it can compute for another call at once. */
  get free(): boolean {
    return this.#state === "ready" && !this.port.computing;
  }

  /** Whether it will be free once its modules are loaded. */
  get loading(): boolean {
    return this.#state === "loading";
  }

  /** Whether it takes no call any more, and has not ended. */
  get leaving(): boolean {
    return this.#state === "leaving" || this.computing;
  }

  /** Whether code of a routine keeps it from ending. */
  get computing(): boolean {
    return this.#state === "computing";
  }

  /** Whether it has ended. */
  get gone(): boolean {
    return this.#state === "gone";
  }

  /**
   * Asks it to end; its calls are lost with `error`. One that computes reads that later, or never: Deno 2.9.6 does not
   * stop it at `terminate()` either, and then nothing would tell whether it still computes.
   */
  leave(error: Error): void {
    if (this.#state === "loading") return this.end(error);
    if (this.#state !== "ready") return;
    const { clock, graceMs, onChange } = this.#options;
    this.#post({ kind: "stop" });
    this.#state = "leaving";
    this.#late = clock.schedule(() => {
      this.#state = "computing";
      onChange();
    }, graceMs);
    this.#lose(error);
  }

  /** Ends it at once, so far as the platform can; its calls are lost with `error`. */
  end(error: Error): void {
    const before = this.#state;
    this.#gone();
    if (before === "loading") {
      this.#dispatches.abandon();
      this.#loading.reject(error);
    } else if (before === "ready") this.#lose(error);
  }

  #lose(error: Error): void {
    this.#dispatches.abandon();
    this.port.lose(error);
    this.#options.onChange();
  }

  /** It has ended, or never will: the platform ends with it what it can. */
  #gone(): void {
    if (this.#state === "gone") return;
    const left = this.leaving;
    this.#state = "gone";
    this.#late?.[Symbol.dispose]();
    this.#worker.terminate();
    if (left) this.#options.onChange();
  }

  #broken(message: string): void {
    loggerFor("routine").error("a thread is replaced, an error in it was not caught: {message}", {
      message,
    });
    this.leave(new Error(`an error in it was not caught: ${message}`));
  }

  #post(message: ToThread): void {
    if (this.#state === "gone") return;
    const { parcel, transfer } = parcelled(message);
    this.#worker.postMessage(parcel, transfer);
  }

  #receive(message: FromThread): void {
    if (message.kind === "stopped") return this.#gone();
    if (this.leaving) return;
    switch (message.kind) {
      case "loaded":
        this.#state = "ready";
        this.#loading.resolve();
        break;
      case "load-failed":
        return this.end(
          unusable("modules", `a thread cannot load the modules: ${message.message}`),
        );
      case "broken":
        return this.#broken(message.message);
      case "served":
        this.port.receive(message.message);
        break;
      case "dispatch":
        this.#dispatches.receive(message.message);
        break;
    }
    if (this.free) this.#options.onChange();
  }
}
