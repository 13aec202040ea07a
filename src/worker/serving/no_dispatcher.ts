import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../../rpc/mod.ts";
import type { Caller } from "../../contract/mod.ts";
import { type ConfigurationError, unusable } from "../../errors/mod.ts";
import type { SelvageEvent } from "../../observe/mod.ts";

/**
 * What routines find as `currentCall().dispatcher` where their worker was given none: it can be looked at, and
 * whatever is asked of it throws {@linkcode ConfigurationError}.
 */
export const noDispatcher: Caller<Transport, SelvageEvent, TransportChoices> = {
  call: () => Promise.reject(missing()),
  // deno-lint-ignore require-yield
  async *stream(): AsyncGenerator<never> {
    throw missing();
  },
  // deno-lint-ignore require-yield
  async *duplex(): AsyncGenerator<never> {
    throw missing();
  },
  client: () => {
    throw missing();
  },
  get transport(): Transport {
    throw missing();
  },
  transportFor: () => {
    throw missing();
  },
  workers: () => [],
  events: () => {
    throw missing();
  },
  ready: () => Promise.reject(missing()),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function missing(): ConfigurationError {
  return unusable(
    "dispatcher",
    "this worker's routines have no dispatcher: it was given neither credentials, nor a dispatcher, or may not " +
      "write to $XDG_RUNTIME_DIR or /tmp (--allow-write), where the socket for calls to itself would be",
  );
}
