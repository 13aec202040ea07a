import { InvalidPayload } from "../../errors/mod.ts";
import { decodeCbor } from "./cbor_decode.ts";
import { encodeCbor } from "./cbor_encode.ts";
import { Malformed, TOO_LARGE, UNSENDABLE } from "./faults.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { MAX_DEPTH, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { explainUnsendable } from "./unsendable.ts";

/** A value, or an argument list, as it travels; an answer takes the form of its question. */
export type EncodedPayload =
  | { readonly form: "cbor"; readonly bytes: Uint8Array }
  | { readonly form: "json"; readonly text: string };

/** The encodings a payload may have. */
export type PayloadForm = EncodedPayload["form"];

/** What a payload holds; the name that its paths begin with. */
export type PayloadRoot = "arguments" | "result" | "item" | "input" | "data" | "cause";

/** How a payload is written. */
export interface EncodePayloadOptions {
  /** The encoding. Default: `cbor`. */
  readonly form?: PayloadForm | undefined;
  /** How large it may become, in bytes. Default: 4 MiB. */
  readonly maxBytes?: number | undefined;
}

/**
 * Writes a value for the wire.
 *
 * @param value The value; with the root `arguments`, the argument list.
 * @param root What it is.
 * @param options In which form, and how large it may become.
 * @returns The payload.
 * @throws {InvalidPayload} If part of the value cannot travel, is nested too deep, refers back to
 * what holds it, or is too large; `path` says which part.
 */
export function encodePayload(
  value: unknown,
  root: PayloadRoot,
  options: EncodePayloadOptions = {},
): EncodedPayload {
  const { form = "cbor", maxBytes = MAX_PAYLOAD_BYTES } = options;
  try {
    return form === "cbor"
      ? { form, bytes: encodeCbor(value, depthOf(root), maxBytes) }
      : { form, text: encodeJson(value, depthOf(root), maxBytes) };
  } catch (reason) {
    throw unwritable(reason, value, root, maxBytes);
  }
}

/**
 * Reads a value from the wire. The value does not refer to the payload's bytes.
 *
 * @param payload The payload.
 * @param root What it is.
 * @returns The value.
 * @throws {InvalidPayload} If it is torn, malformed, nested too deep, or goes on after its value.
 */
export function decodePayload(payload: EncodedPayload, root: PayloadRoot): unknown {
  try {
    return payload.form === "cbor"
      ? decodeCbor(payload.bytes, depthOf(root))
      : decodeJson(payload.text, depthOf(root));
  } catch (reason) {
    throw unreadable(reason, root);
  }
}

/**
 * Reads an argument list from the wire.
 *
 * @param payload The payload.
 * @returns The list.
 * @throws {InvalidPayload} If it cannot be read, or is no list.
 */
export function decodeArguments(payload: EncodedPayload): unknown[] {
  const args = decodePayload(payload, "arguments");
  if (Array.isArray(args)) return args;
  throw new InvalidPayload("arguments are to be a list", { path: "arguments" });
}

/** An argument list is no level of its own: what an argument may be, a result may be too. */
function depthOf(root: PayloadRoot): number {
  return root === "arguments" ? MAX_DEPTH + 1 : MAX_DEPTH;
}

function unwritable(
  reason: unknown,
  value: unknown,
  root: PayloadRoot,
  maxBytes: number,
): InvalidPayload {
  if (reason === TOO_LARGE) {
    return new InvalidPayload(`${root} would take more than ${maxBytes} bytes`, { path: root });
  }
  try {
    const { path, what } = explainUnsendable(value, root, depthOf(root));
    return new InvalidPayload(`${path} ${what}`, {
      path,
      ...(reason === UNSENDABLE ? {} : { cause: reason }),
    });
  } catch (cause) {
    return new InvalidPayload(`${root} threw while it was read`, { path: root, cause });
  }
}

function unreadable(reason: unknown, root: PayloadRoot): InvalidPayload {
  return reason instanceof Malformed
    ? new InvalidPayload(`the payload of ${root} ${reason.what}`, { path: root })
    : new InvalidPayload(`the payload of ${root} cannot be read`, { path: root, cause: reason });
}
