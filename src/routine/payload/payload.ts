import { InvalidPayload } from "../../errors/mod.ts";
import { allocate, allocateWithRoom } from "../../values/mod.ts";
import { decodeCbor } from "./cbor_decode.ts";
import { encodeCbor } from "./cbor_encode.ts";
import { Malformed, TOO_LARGE, UNSENDABLE } from "./faults.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "./limits.ts";
import { explainUnsendable } from "./unsendable.ts";

/** A value, or an argument list, as it travels; an answer takes the form of its question. */
export type EncodedPayload =
  | { readonly form: "cbor"; readonly bytes: Uint8Array }
  | { readonly form: "json"; readonly text: string };

/** A payload in CBOR. Of a class: V8 may make literals old (`docs/performance-changes.md`). */
export class CborPayload {
  readonly form = "cbor";
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** How long a payload is: bytes of CBOR, or UTF-16 units of JSON, which no text has to be read for. */
export function payloadLength(payload: EncodedPayload): number {
  return (payload.form === "cbor" ? payload.bytes : payload.text).length;
}

/** The encodings a payload may have. */
export type PayloadForm = EncodedPayload["form"];

/** What a payload holds; the name that its paths begin with. */
export type PayloadRoot = "arguments" | "result" | "item" | "input" | "data" | "cause";

/** How a payload is written. */
export interface EncodePayloadOptions {
  /** The encoding. Default: `cbor`. */
  readonly form?: PayloadForm | undefined;
  /** What it may be. Default: {@linkcode DEFAULT_PAYLOAD_LIMITS}. */
  readonly limits?: PayloadLimits | undefined;
}

/**
 * Writes a value for the wire; with the root `arguments`, an argument list.
 *
 * @throws {InvalidPayload} If part of the value cannot travel, is nested too deep, refers back to
 * what holds it, or is too large; `path` says which part.
 */
export function encodePayload(
  value: unknown,
  root: PayloadRoot,
  options: EncodePayloadOptions = {},
): EncodedPayload {
  const { form = "cbor", limits = DEFAULT_PAYLOAD_LIMITS } = options;
  const depth = depthOf(root, limits);
  try {
    return form === "cbor"
      ? new CborPayload(
        encodeCbor(value, depth, limits, isAlone(root) ? allocateWithRoom : allocate),
      )
      : { form, text: encodeJson(value, depth, limits) };
  } catch (reason) {
    throw unwritable(reason, value, root, limits);
  }
}

/**
 * Reads a value from the wire. The value does not refer to the payload's bytes, except for a large byte string that is
 * all of them but for a few at the beginning: it is a view of them.
 *
 * @throws {InvalidPayload} If it is torn, malformed, nested too deep, or goes on after its value.
 */
export function decodePayload(
  payload: EncodedPayload,
  root: PayloadRoot,
  limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS,
): unknown {
  const depth = depthOf(root, limits);
  try {
    return payload.form === "cbor"
      ? decodeCbor(payload.bytes, depth, limits)
      : decodeJson(payload.text, depth, limits);
  } catch (reason) {
    throw unreadable(reason, root);
  }
}

/**
 * Reads an argument list from the wire.
 *
 * @throws {InvalidPayload} If it cannot be read, or is no list.
 */
export function decodeArguments(
  payload: EncodedPayload,
  limits?: PayloadLimits,
): unknown[] {
  const args = decodePayload(payload, "arguments", limits);
  if (Array.isArray(args)) return args;
  throw new InvalidPayload("arguments are to be a list", { path: "arguments" });
}

/** Whether the payload is all of its message: then that is written around it. */
function isAlone(root: PayloadRoot): boolean {
  return root === "item" || root === "input";
}

/** An argument list is no level of its own: what an argument may be, a result may be too. */
function depthOf(root: PayloadRoot, { depth }: PayloadLimits): number {
  return root === "arguments" ? depth + 1 : depth;
}

function unwritable(
  reason: unknown,
  value: unknown,
  root: PayloadRoot,
  limits: PayloadLimits,
): InvalidPayload {
  if (reason === TOO_LARGE) {
    return new InvalidPayload(`${root} would take more than ${limits.bytes} bytes`, { path: root });
  }
  try {
    const { path, what } = explainUnsendable(value, root, limits);
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
