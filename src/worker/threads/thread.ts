import { unusable } from "../../errors/mod.ts";
import { loggerFor } from "../../observe/mod.ts";
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
  /** Called when the thread may have become free, or is gone after it was loaded. */
  readonly onChange: () => void;
}

/** One Deno Worker and the calls it has taken. */
export class Thread {
  /** For calls to the thread. */
  readonly port: CallPort<ThreadCallFacts>;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #dispatches: HostedCalls<DispatchFacts>;
  readonly #loading = Promise.withResolvers<void>();
  #state: "loading" | "ready" | "gone" = "loading";

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.port = new CallPort(
      (message) => this.#post({ kind: "serve", message }),
      (error) => this.end(error),
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
    this.#worker.onmessageerror = () => this.end(new Error("a thread sent what cannot be read"));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken(event.message);
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

  /** Whether it will never take another call. */
  get gone(): boolean {
    return this.#state === "gone";
  }

  /** Ends it at once, whatever it computes; its calls are lost with `error`. */
  end(error: Error): void {
    if (this.#state === "gone") return;
    const loaded = this.#state === "ready";
    this.#state = "gone";
    this.#worker.terminate();
    this.#dispatches.abandon();
    if (!loaded) return this.#loading.reject(error);
    this.port.lose(error);
    this.#options.onChange();
  }

  #broken(message: string): void {
    loggerFor("routine").error("a thread is replaced, an error in it was not caught: {message}", {
      message,
    });
    this.end(new Error(`an error in it was not caught: ${message}`));
  }

  #post(message: ToThread): void {
    if (this.#state === "gone") return;
    const { parcel, transfer } = parcelled(message);
    this.#worker.postMessage(parcel, transfer);
  }

  #receive(message: FromThread): void {
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
