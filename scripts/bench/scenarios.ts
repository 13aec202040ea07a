/** What a figure means. */
export interface Scenario {
  readonly unit:
    | "ms (median)"
    | "ms (p99)"
    | "calls/s"
    | "items/s"
    | "MB/s"
    | "/s"
    | "KiB"
    | "MiB"
    | "x";
  readonly better: "less" | "more";
  /** The row of the same subject that it is compared with. Default: none. */
  readonly beside?: string;
}

/** What a driver is asked for on its standard input, one JSON line each. */
export interface Task {
  /** A name of {@linkcode SCENARIOS}; its parts are separated by hyphens. */
  readonly scenario: string;
  /** For how long to measure, in milliseconds. */
  readonly durationMs: number;
}

/** What it answers on its standard output; nothing where it does not know the scenario. */
export interface Figure {
  readonly value?: number;
  /** Processor time of both processes a call or item, in microseconds. */
  readonly cpuUs?: number;
}

const ITEM_BYTES = ["32", "1k", "64k", "1m"];
const STREAMS = [1, 16, 256];
const PAYLOADS = ["1k", "64k", "1m", "4m", "16m"];

/** Everything that is measured, by its name, in the order of the table. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  // Routines under mutual TLS by the number of callers: `add`, and 64 bytes sent back.
  ["calls-1", median()],
  ["calls-8", calls()],
  ["calls-64", calls()],
  ["calls-512", calls()],
  ["echo64b-1", median("calls-1")],
  ["echo64b-64", calls("calls-64")],
  // A typed service through `createClient`, on the fast path and, by an interceptor, on the plain one.
  ["service-1", median("echo64b-1")],
  ["service-64", calls("echo64b-64")],
  ["service_plain-1", median("service-1")],
  ["service_plain-64", calls("service-64")],
  // Under a policy of so many rules, and with a token that the worker verifies.
  ["policy100-64", calls("calls-64")],
  ["policy10000-64", calls("calls-64")],
  ["token-64", calls("calls-64")],
  // Over other channels: one-way TLS on our listener and on the platform's, plaintext, a unix socket.
  ["one_way-64", calls("calls-64")],
  ["one_way_native-64", calls("one_way-64")],
  ["plaintext-1", median("calls-1")],
  ["plaintext-64", calls("calls-64")],
  ["unix-1", median("calls-1")],
  ["unix-64", calls("calls-64")],
  // Bytes as the result and as the argument of calls one after the other.
  ...PAYLOADS.flatMap((bytes): [string, Scenario][] => [
    [`result-${bytes}`, rate("MB/s")],
    [`argument-${bytes}`, rate("MB/s")],
  ]),
  // Streams to the caller and to the routine, by the bytes of an item and the number of streams.
  ...["down", "up"].flatMap((direction) =>
    ITEM_BYTES.flatMap((bytes) =>
      STREAMS.map((streams): [string, Scenario] => [
        `${direction}-${bytes}-${streams}`,
        {
          ...rate(bytes.endsWith("k") || bytes.endsWith("m") ? "MB/s" : "items/s"),
          ...(streams === 1 ? {} : { beside: `${direction}-${bytes}-1` }),
        },
      ])
    )
  ),
  // Messages of a typed service through `createClient`, as streams to the caller and to the worker.
  ["service_down-32-1", { ...rate("items/s"), beside: "down-32-1" }],
  ["service_down-64k-1", { ...rate("MB/s"), beside: "down-64k-1" }],
  ["service_up-32-1", { ...rate("items/s"), beside: "up-32-1" }],
  ["duplex-1", median("calls-1")],
  // A new connection and its first call, so many at a time.
  ["connect-1", rate("/s")],
  ["connect-8", rate("/s")],
  // Garbage of that which survives the collections of young objects, at each end. Before a thousand connections are open
  // at once, which has V8 make some of their objects old from then on.
  ["left_worker-200", { unit: "KiB", better: "less" }],
  ["left_dispatcher-200", { unit: "KiB", better: "less" }],
  // Nobody waits: how many times longer, or how much of its rate, beside paused readers and beside bulk.
  ["paused_readers-200", times("less")],
  ["paused_readers_stream-200", times("more")],
  ["bulk_delays_calls-1", times("less")],
  ["bulk_keeps_rate-1", times("more")],
  ["sent_bulk_delays_calls-1", times("less")],
  ["sent_bulk_keeps_rate-1", times("more")],
  // How late the worker's event loop runs with so many callers.
  ["loop_delay-0", { unit: "ms (p99)", better: "less" }],
  ["loop_delay-64", { unit: "ms (p99)", better: "less", beside: "loop_delay-0" }],
  // Calls to so many workers, and to a worker of so many routines.
  ...[1, 10, 100].map((count): [string, Scenario] => [`workers${count}-64`, calls("calls-64")]),
  ...[10, 1_000, 10_000].map((count): [string, Scenario] => [
    `routines${count}-64`,
    calls("calls-64"),
  ]),
  // Heap and external memory of an idle proven connection at each end, and resident memory of an idle process.
  ["memory_worker-1000", { unit: "KiB", better: "less" }],
  ["memory_dispatcher-1000", { unit: "KiB", better: "less" }],
  ["memory_idle-0", { unit: "MiB", better: "less" }],
]);

function rate(unit: Scenario["unit"]): Scenario {
  return { unit, better: "more" };
}

function calls(beside?: string): Scenario {
  return { unit: "calls/s", better: "more", ...(beside !== undefined && { beside }) };
}

function median(beside?: string): Scenario {
  return { unit: "ms (median)", better: "less", ...(beside !== undefined && { beside }) };
}

function times(better: Scenario["better"]): Scenario {
  return { unit: "x", better };
}

/** The bytes that `32`, `64k` and `1m` stand for. */
export function bytesOf(text: string): number {
  const factor = text.endsWith("m") ? 1024 * 1024 : text.endsWith("k") ? 1024 : 1;
  return parseInt(text) * factor;
}
