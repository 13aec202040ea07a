import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponseSchema,
} from "../../gen/mod.ts";
import { ASKED_BYTES } from "../limits.ts";

/** The health of a worker, as `grpc.health.v1.Health` reports it. */
export class WorkerHealth {
  readonly #services: () => ReadonlySet<string>;
  readonly #failedListeners = new Set<unknown>();
  #stopped = false;
  /** Wakes each of those who watch. */
  readonly #watching = new Set<() => void>();

  /**
   * Serving, until it stops or a listener accepts no connections.
   *
   * @param services the full names of the services whose health may be asked.
   */
  constructor(services: () => ReadonlySet<string>) {
    this.#services = services;
  }

  /** The worker takes no more calls; those who watch receive that, and their streams end. */
  stopServing(): void {
    this.#stopped = true;
    for (const wake of this.#watching) wake();
  }

  /** A listener of the worker accepts connections, or does not: then the worker is not serving. */
  listening(listener: unknown, accepts: boolean): void {
    if (accepts) this.#failedListeners.delete(listener);
    else this.#failedListeners.add(listener);
    for (const wake of this.#watching) wake();
  }

  /** Whether the worker takes calls. */
  get serving(): boolean {
    return !this.#stopped && this.#failedListeners.size === 0;
  }

  get #status(): Status {
    return this.serving ? Status.SERVING : Status.NOT_SERVING;
  }

  /** Serves `grpc.health.v1.Health` on a router. */
  serve(router: ConnectRouter): void {
    router.service(Health, {
      check: ({ service }) => this.#check(service),
      watch: ({ service }, { signal }) => this.#watch(service, signal),
    }, { readMaxBytes: ASKED_BYTES });
  }

  /** The worker as a whole has no name. */
  #knows(service: string): boolean {
    return service === "" || this.#services().has(service);
  }

  #check(service: string): HealthCheckResponse {
    if (this.#knows(service)) return response(this.#status);
    throw new ConnectError("there is no such service here", Code.NotFound);
  }

  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<HealthCheckResponse> {
    if (!this.#knows(service)) {
      yield response(Status.SERVICE_UNKNOWN);
      while (!this.#stopped && !signal.aborted) await this.#changeOr(signal);
      return;
    }
    let sent: Status | undefined;
    while (!signal.aborted) {
      const [status, stopped] = [this.#status, this.#stopped];
      if (status !== sent) yield response(status);
      sent = status;
      if (stopped) return;
      if (status === this.#status) await this.#changeOr(signal);
    }
  }

  /** Waits until the status may have changed, or the watch is left; then nothing is kept of the wait. */
  async #changeOr(left: AbortSignal): Promise<void> {
    if (this.#stopped || left.aborted) return;
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    this.#watching.add(wake);
    left.addEventListener("abort", () => wake(), { once: true });
    await promise;
    this.#watching.delete(wake);
  }
}

function response(status: Status): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}
