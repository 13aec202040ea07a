import { join } from "node:path";
import type { CredentialsSource, OpenCredentialsOptions } from "../../src/credentials/mod.ts";
import { Credentials, type WorkloadApiOptions } from "../../src/spiffe/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { FakeAgent, type Given } from "./fake_agent.ts";

/** A folder for sockets, and what credentials are opened with. */
export class Machine implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly socket = join(this.folder, "agent.sock");
  readonly clock = new ManualClock(Date.now());
  readonly observer = new RecordingObserver();

  agent(given: Given): Promise<FakeAgent> {
    return FakeAgent.start(this.socket, given);
  }

  open(
    options: WorkloadApiOptions = {},
    opening: OpenCredentialsOptions = {},
  ): Promise<CredentialsSource> {
    const { socket, clock, observer } = this;
    return Credentials.spiffeWorkloadApi({ socket, ...options })
      .open({ clock, observer, ...opening });
  }

  /** Lets the longest wait between two streams pass. */
  retry(): void {
    this.clock.advance(5000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Reports how long it is asked to wait between streams. */
export class PauseClock extends ManualClock {
  readonly #pauses: number[] = [];
  #next = Promise.withResolvers<void>();

  constructor() {
    super(Date.now());
  }

  override schedule(callback: () => void, delayMs: number): Disposable {
    // Pauses are at random, and everything else that is timed is not.
    if (!Number.isInteger(delayMs)) {
      this.#pauses.push(delayMs);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    }
    return super.schedule(callback, delayMs);
  }

  /** The `count`th pause, once it begins. */
  async pause(count: number): Promise<number> {
    while (this.#pauses.length < count) await this.#next.promise;
    return this.#pauses[count - 1] ?? NaN;
  }
}
