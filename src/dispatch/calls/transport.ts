import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createTransport, notBegun, type Place, type RpcLimits } from "../../rpc/mod.ts";
import { toConnectError, toldBy } from "../../routine/mod.ts";
import type { Attempts } from "./attempts.ts";
import type { PlacedCall } from "./placed_call.ts";
import type { RequestFields } from "./call_settings.ts";
import type { Endpoint } from "../fleet/endpoint.ts";
import type { Link } from "../fleet/link.ts";
import { LinkTransports } from "./link_transports.ts";

/** What a dispatcher's transport stands on. */
export interface DispatcherTransportOptions {
  readonly attempts: Attempts;
  readonly limits: Partial<RpcLimits>;
  /** The fields that every request carries besides its own. */
  readonly fields: RequestFields | undefined;
  /** The time of a unary call that names none, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
}

/** A Connect transport over a fleet: the same workers, the same security, the same rule of retrying. */
export function dispatcherTransport(options: DispatcherTransportOptions): Transport {
  const { attempts, limits, fields } = options;
  const links = new LinkTransports(limits, fields);
  const streams = createTransport({ limits, place: placeStreams(attempts, fields) });
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const call = placedCall(method, signal, timeoutMs ?? options.timeoutMs);
      const once = (link: Link) =>
        links.over(link).unary(method, signal, call.timeoutMs, header, input, contextValues);
      return await attempts.make(call, once).catch((error) => {
        throw toConnectError(error);
      });
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      try {
        const response = await streams
          .stream(method, signal, timeoutMs, header, input, contextValues);
        return { ...response, message: translated(response.message) } as never;
      } catch (error) {
        throw withOriginal(error);
      }
    },
  };
}

/** Streams are placed again only while nothing of their request has been read: `rpc/` knows that. */
function placeStreams(attempts: Attempts, fields: RequestFields | undefined): Place {
  const triedBefore = new WeakMap<object, ReadonlyMap<Endpoint, Error>>();
  return async ({ method, signal, failure }) => {
    const before = isObject(failure) ? triedBefore.get(failure) : undefined;
    const tried = new Map(before);
    const endpoint = await attempts.place(placedCall(method, signal, 0), tried);
    const link = endpoint.link as Link;
    const { connection } = link;
    const carried = await fields?.(link);
    endpoint.inFlight += 1;
    return {
      connection,
      ...(carried === undefined ? {} : { fields: carried }),
      ended: (error) => {
        endpoint.inFlight -= 1;
        if (!isObject(error) || !notBegun(error)) return;
        // A connection that is being left says nothing about its worker.
        if (connection.state === "open") tried.set(endpoint, error as Error);
        triedBefore.set(error, tried);
      },
    };
  };
}

async function* translated<Message>(
  messages: AsyncIterable<Message>,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    throw withOriginal(error);
  }
}

/** The error as Connect knows it, with the one of ours that it tells of as its cause. */
function withOriginal(error: unknown): ConnectError {
  const told = error instanceof ConnectError ? toldBy(error) : undefined;
  return toConnectError(told ?? error);
}

function placedCall(
  method: DescMethod,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): PlacedCall {
  return {
    routine: `${method.parent.typeName}/${method.name}`,
    wanted: {},
    idempotent: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
      method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT,
    ofService: true,
    signal,
    timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
    deadline: timeoutMs === 0 ? undefined : performance.now() + timeoutMs,
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
