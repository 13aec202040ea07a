import { ErrorCode } from "../http2/mod.ts";
import { FleetCaller } from "./fleet_caller.ts";
import { type DispatcherGround, type OpenedDispatcher, openParts } from "./open.ts";
import type { Rehearsal, RehearseOptions } from "../peer/mod.ts";
import { insistOnDispatcherNames } from "./option_names.ts";
import type { DispatcherOptions, SharedDispatcherOptions, WorkerSource } from "./options.ts";

let made: (opened: OpenedDispatcher) => Dispatcher;

/** Finds workers, proves who each one is, and calls routines on them. */
export class Dispatcher extends FleetCaller {
  readonly #opened: OpenedDispatcher;
  #closing: Promise<void> | undefined;

  static {
    made = (opened) => new Dispatcher(opened);
  }

  private constructor(opened: OpenedDispatcher) {
    super(opened);
    this.#opened = opened;
  }

  /**
   * Opens a dispatcher. Workers are dialled when they are first needed: see {@linkcode ready}.
   *
   * @param options Where the workers are, whom to trust, and who we are.
   * @throws {ConfigurationError} If an option cannot be used, or credentials cannot be read.
   */
  static async open(options: DispatcherOptions): Promise<Dispatcher> {
    insistOnDispatcherNames(options);
    return await dispatcherOver([options], options);
  }

  /**
   * Says which of the workers that discovery knows now would be lost, by which end and why, if other
   * credentials were adopted: a handshake with each, on a connection that carries no call. Nothing is
   * adopted.
   *
   * @param options The credentials.
   * @throws {ConfigurationError} If the credentials could not be adopted.
   */
  rehearse(options: RehearseOptions): Promise<Rehearsal> {
    return this.#opened.rehearse(options);
  }

  /** Closes every connection; calls in flight are lost. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#opened.close(ErrorCode.NO_ERROR);
  }
}

/**
 * Opens a dispatcher over several sources of workers, each with its own trust.
 *
 * @param ground What it stands on, where it is a part of something larger.
 * @throws {ConfigurationError} If an option cannot be used, or credentials cannot be read.
 */
export async function dispatcherOver(
  sources: readonly WorkerSource[],
  options: SharedDispatcherOptions = {},
  ground: DispatcherGround = {},
): Promise<Dispatcher> {
  return made(await openParts(sources, options, ground));
}
