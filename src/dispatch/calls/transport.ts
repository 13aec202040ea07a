import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { SelvageError } from "../../errors/mod.ts";
import { failureInDetails, toConnectError } from "../../routine/mod.ts";
import {
  createTransport,
  intercepted,
  type RpcLimits,
  type TransportChoices,
} from "../../rpc/mod.ts";
import type { Link } from "../endpoint/link.ts";
import type { Attempts } from "./attempts.ts";
import { type CallSettings, checkedTimeout, type RequestFields } from "./call_settings.ts";
import { CountedStream } from "./counted_stream.ts";
import { type PlacedCall, remainingMs } from "./placed_call.ts";
import { methodName, placeValues } from "./recorded_transport.ts";
import { RepeatableInput } from "./repeatable_input.ts";

/** What a dispatcher's transports stand on. */
export interface DispatcherTransportOptions {
  readonly attempts: Attempts;
  readonly limits: Partial<RpcLimits>;
  /** The fields that every request carries besides its own. */
  readonly fields: RequestFields | undefined;
  /** The time of a unary call that names none, and what else ends a call. */
  readonly settings: Pick<CallSettings, "timeoutMs" | "bounds">;
}

/**
 * A Connect transport over a fleet: the same workers, the same security, the same rule of retrying as
 * for routines.
 */
export function dispatcherTransport(
  options: DispatcherTransportOptions,
  choices: TransportChoices = {},
): Transport {
  const { attempts, settings } = options;
  const { interceptors = [] } = choices;
  const links = new LinkTransports(options, choices);
  const transport: Transport = {
    async unary(method, signal, timeoutMs, header, message, values) {
      const bounds = settings.bounds(signal, longest(timeoutMs ?? settings.timeoutMs));
      const call = placedCall(method, bounds);
      const once = (link: Link) => {
        placeValues(values, call);
        return links.over(link)
          .unary(method, call.signal, remainingMs(call), header, message, values);
      };
      return await attempts.make(call, once).catch((error) => {
        throw asConnect(error);
      });
    },
    async stream(method, signal, timeoutMs, header, messages, values) {
      const input = new RepeatableInput(messages);
      const bounds = settings.bounds(signal, longest(timeoutMs ?? 0));
      const call = { ...placedCall(method, bounds), input };
      try {
        const response = await attempts.make(call, async (link, endpoint) => {
          placeValues(values, call);
          const counted = new CountedStream(endpoint, call.routine, input);
          const transport = links.create(link, (error) => counted.ended(error));
          const response = await transport
            .stream(method, call.signal, remainingMs(call), header, input, values);
          counted.begun();
          return response;
        });
        return { ...response, message: translated(response.message) };
      } catch (error) {
        const failure = asConnect(error);
        input.close(failure);
        throw failure;
      }
    },
  };
  return interceptors.length === 0 ? transport : intercepted(transport, interceptors);
}

/** The transports of single connections. */
class LinkTransports {
  readonly #options: DispatcherTransportOptions;
  readonly #choices: TransportChoices;
  readonly #known = new WeakMap<Link, Transport>();

  constructor(options: DispatcherTransportOptions, choices: TransportChoices) {
    this.#options = options;
    this.#choices = choices;
  }

  /** The one of a connection, made when it is first needed. */
  over(link: Link): Transport {
    let transport = this.#known.get(link);
    if (transport === undefined) this.#known.set(link, transport = this.create(link));
    return transport;
  }

  /** Makes one; `ended` is called once each of its streams is over. */
  create(link: Link, ended?: (error?: ConnectError) => void): Transport {
    const { limits, fields } = this.#options;
    const { protocol, useBinaryFormat, compression, useHttpGet } = this.#choices;
    return createTransport({
      connection: link.connection,
      fields: fields === undefined ? undefined : async () => await fields(link),
      limits,
      protocol,
      format: useBinaryFormat === false ? "json" : "binary",
      compression,
      useHttpGet,
      ended,
    });
  }
}

async function* translated<Message>(
  messages: AsyncIterable<Message>,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    throw asConnect(error);
  }
}

/** The error as Connect knows it, with the one of ours that it carries as its cause. */
export function asConnect(error: unknown): ConnectError {
  if (!(error instanceof ConnectError)) return toConnectError(error);
  return error.cause instanceof SelvageError
    ? error
    : toConnectError(failureInDetails(error) ?? error);
}

/** @throws {ConnectError} For a time that is too long, as the transport of `@connectrpc` throws. */
export function longest<Timeout extends number | undefined>(timeoutMs: Timeout): Timeout {
  try {
    if (timeoutMs !== undefined && !(timeoutMs <= 0)) checkedTimeout(timeoutMs);
    return timeoutMs;
  } catch (error) {
    throw toConnectError(error);
  }
}

function placedCall(
  method: DescMethod,
  bounds: Pick<PlacedCall, "signal" | "timeoutMs" | "deadline">,
): PlacedCall {
  return {
    routine: methodName(method),
    wanted: {},
    idempotent: isIdempotent(method),
    ofService: true,
    ...bounds,
  };
}

/** Whether the service says that calls of the method may begin twice. */
export function isIdempotent({ idempotency }: DescMethod): boolean {
  return idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
    idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT;
}
