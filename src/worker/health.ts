import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponseSchema,
} from "../gen/mod.ts";

/** The health of a worker, as `grpc.health.v1.Health` tells it. */
export class WorkerHealth {
  readonly #services: () => ReadonlySet<string>;
  #status = Status.SERVING;
  /** Wakes each of those who watch. */
  readonly #watching = new Set<() => void>();

  /**
   * Serving, until told otherwise.
   *
   * @param services the full names of the services whose health may be asked.
   */
  constructor(services: () => ReadonlySet<string>) {
    this.#services = services;
  }

  /** The worker takes no more calls; whoever watches is told, and let go. */
  stopServing(): void {
    this.#status = Status.NOT_SERVING;
    for (const wake of this.#watching) wake();
  }

  /** Serves `grpc.health.v1.Health` on a router. */
  serve(router: ConnectRouter): void {
    router.service(Health, {
      check: ({ service }) => this.#check(service),
      watch: ({ service }, { signal }) => this.#watch(service, signal),
    });
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
      return await this.#stoppedOr(signal);
    }
    if (this.#status === Status.SERVING) {
      yield response(Status.SERVING);
      await this.#stoppedOr(signal);
    }
    if (!signal.aborted) yield response(Status.NOT_SERVING);
  }

  /** Waits until no more calls are taken, or whoever watches has left; then nothing is kept of the wait. */
  async #stoppedOr(left: AbortSignal): Promise<void> {
    if (this.#status !== Status.SERVING || left.aborted) return;
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
