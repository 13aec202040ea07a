import assert from "node:assert/strict";
import type { InvalidPayload } from "../../src/errors/mod.ts";
import type { CallContext } from "../../src/routine/call_context.ts";
import {
  decodePayload,
  type EncodedPayload,
  encodePayload,
} from "../../src/routine/payload/payload.ts";

/** The context of a call with this signal. */
export function contextOf(signal: AbortSignal = new AbortController().signal): CallContext {
  return { id: "call-1", tags: [], signal } as unknown as CallContext;
}

/** These arguments, encoded. */
export function args(...list: unknown[]): EncodedPayload {
  return encodePayload(list, "arguments");
}

/** All items of a stream, decoded. */
export async function collect(items: AsyncIterable<EncodedPayload>): Promise<unknown[]> {
  return (await Array.fromAsync(items)).map((item) => decodePayload(item, "item"));
}

/** Accepts an error of this name, and of this path into the payload. */
export function failsWith(name: string, path?: string): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as Error).name, name, String(error));
    if (path !== undefined) assert.equal((error as InvalidPayload).path, path);
    return true;
  };
}
