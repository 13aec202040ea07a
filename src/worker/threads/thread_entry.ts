/**
 * What runs in a thread: loads the modules it is given, then serves their routines.
 *
 * @module
 */
import {
  type CallContext,
  invokeDuplex,
  type InvokeOptions,
  invokeStream,
  invokeUnary,
  RoutineTable,
} from "../../routine/mod.ts";
import { CallPort } from "./call_port.ts";
import { HostedCalls, type Run } from "./hosted_calls.ts";
import type { DispatchFacts, FromThread, ThreadCallFacts, ToThread } from "./messages.ts";
import { beginModuleLoad } from "./module_load.ts";
import { parcelled } from "./payload.ts";
import { ThreadDispatcher } from "./thread_dispatcher.ts";
import { isInputFailure } from "../../platform/mod.ts";
import { messageOf } from "../../values/mod.ts";

/** The global scope of a Deno Worker, as far as it is used. */
interface ThreadScope {
  postMessage: (message: FromThread, transfer: ArrayBuffer[]) => void;
  close: () => void;
}

const scope = globalThis as unknown as ThreadScope;

/** The worker's end of the thread, which code of the routines may not write to. */
const send = scope.postMessage.bind(scope);

/** Ends the thread, which code of the routines may not. */
const close = scope.close.bind(scope);

const dispatches = new CallPort<DispatchFacts>((message) => post({ kind: "dispatch", message }));

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  if (isInputFailure(event.reason)) return;
  post({ kind: "broken", message: messageOf(event.reason) });
});
addEventListener("error", (event) => {
  event.preventDefault();
  post({ kind: "broken", message: messageOf(event.error) });
});

let calls: HostedCalls<ThreadCallFacts> | undefined;

addEventListener("message", (event) => {
  // A routine or a library that listens for messages is not meant.
  event.stopImmediatePropagation();
  const { data: message } = event as MessageEvent<ToThread>;
  switch (message.kind) {
    case "load":
      load(message.modules, message.options);
      break;
    case "serve":
      calls?.receive(message.message);
      break;
    case "dispatched":
      dispatches.receive(message.message);
      break;
    case "stop":
      post({ kind: "stopped" });
      close();
      break;
  }
});

async function load(modules: readonly string[], options: InvokeOptions): Promise<void> {
  try {
    using _loading = beginModuleLoad("a thread of a worker");
    keepOpen();
    keepToOurselves();
    const sources = [];
    for (const origin of modules) sources.push({ origin, exports: await import(origin) });
    const run = runIn(new RoutineTable(sources), options);
    calls = new HostedCalls(run, (message) => post({ kind: "served", message }));
    post({ kind: "loaded" });
  } catch (error) {
    post({ kind: "load-failed", message: messageOf(error) });
  }
}

function runIn(table: RoutineTable, options: InvokeOptions): Run<ThreadCallFacts> {
  return ({ call, shape, routine: name, args, facts }, { signal, input }) => {
    const routine = table.get(name);
    const context: CallContext = {
      ...facts,
      signal,
      dispatcher: new ThreadDispatcher(dispatches, call),
    };
    switch (shape) {
      case "unary":
        return Promise.resolve(invokeUnary(routine, args, context, options));
      case "stream":
        return invokeStream(routine, args, context, options);
      case "duplex":
        return invokeDuplex(routine, input, args, context, options);
    }
  };
}

/** A thread that ended itself would do so without a word, and its calls would wait for ever. */
function keepOpen(): void {
  const refuse = (): never => {
    throw new Error("a routine cannot end the thread it runs in");
  };
  scope.close = refuse;
  Deno.exit = refuse;
}

/** What code of the routines posts has no reader, and must not be taken for ours. */
function keepToOurselves(): void {
  scope.postMessage = () => {};
}

function post(message: FromThread): void {
  const { parcel, transfer } = parcelled(message);
  send(parcel, transfer);
}
