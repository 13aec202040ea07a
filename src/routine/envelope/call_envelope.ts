import { InvalidPayload } from "../../errors/mod.ts";
import type { EncodedPayload } from "../payload/payload.ts";
import {
  type Ambient,
  ambientSize,
  MAX_AMBIENT_VALUES,
  readAmbient,
  withAmbient,
  writeAmbient,
} from "./ambient.ts";
import { DELIMITED, FieldReader, VARINT } from "./field_reader.ts";
import { delimitedSize, FieldWriter, textSize, uint32Size } from "./field_writer.ts";
import {
  payloadSize,
  readPayload,
  roomBefore,
  writeHeadOf,
  writePayload,
} from "./payload_field.ts";

/** One call as it travels: `selvage.v1.CallRequest`. */
export interface CallEnvelope {
  /** The routine's name. */
  readonly routine: string;
  /** The argument list. */
  readonly arguments: EncodedPayload;
  /** The call's id; empty where the worker is to choose one. */
  readonly callId: string;
  /** The id of the call that this one is made from; empty where there is none. */
  readonly parentId: string;
  /** How many items may be under way unread; 0 leaves it to flow control. */
  readonly ahead: number;
  /** The tags that the caller asked of a worker. */
  readonly tags: readonly string[];
  /** Values that go with the call, unverified. Default: none. */
  readonly ambient?: Ambient;
}

/** The longest call id, in characters. */
export const MAX_CALL_ID_LENGTH = 128;
/** The most tags that a call carries. */
export const MAX_CALL_TAGS = 64;
/** The longest tag, in characters. */
export const MAX_TAG_LENGTH = 256;

/** The argument list of a call that carries none. */
export const NO_ARGUMENTS: EncodedPayload = { form: "cbor", bytes: new Uint8Array([0x80]) };

// The fields of selvage.v1.CallRequest.
const ROUTINE = 1;
const ARGUMENTS = 2;
const CALL_ID = 3;
const PARENT_ID = 4;
const AHEAD = 5;
const TAGS = 6;
const AMBIENT = 7;

/**
 * Writes a `selvage.v1.CallRequest`, byte for byte as the generated code does. Large arguments that were given room
 * before them are its last field instead: the request is written around their own bytes, which it then shares.
 */
export function encodeCallRequest(call: CallEnvelope): Uint8Array {
  const sizes = callSizes(call);
  const around = roomBefore(call.arguments, sizes.whole);
  const writer = new FieldWriter(sizes.whole, around);
  if (around === undefined) writeCall(writer, call, sizes);
  else {
    writeRoutine(writer, call, sizes);
    writeRest(writer, call, sizes);
    writer.head(ARGUMENTS, sizes.payload);
    writeHeadOf(writer, call.arguments);
  }
  return writer.bytes;
}

/**
 * Reads a `selvage.v1.CallRequest`, whose payload refers to the message's bytes; fields that are not known are passed over.
 *
 * @throws {InvalidPayload} If it is torn or malformed, or an id, a tag or their number is too large.
 */
export function decodeCallRequest(bytes: Uint8Array): CallEnvelope {
  return readCall(new FieldReader(bytes));
}

/**
 * The sizes of a call's fields, each computed once. Of a class: V8 may make literals old
 * (`docs/performance-changes.md`).
 */
export class CallSizes {
  readonly whole: number;
  readonly routine: number;
  readonly payload: number;
  readonly callId: number;
  readonly parentId: number;

  /** In octets. */
  constructor(
    whole: number,
    routine: number,
    payload: number,
    callId: number,
    parentId: number,
  ) {
    this.whole = whole;
    this.routine = routine;
    this.payload = payload;
    this.callId = callId;
    this.parentId = parentId;
  }
}

/** Computes the sizes that {@linkcode writeCall} needs. */
export function callSizes(call: CallEnvelope): CallSizes {
  const routine = textSize(call.routine);
  const payload = payloadSize(call.arguments);
  const callId = textSize(call.callId);
  const parentId = textSize(call.parentId);
  let whole = delimitedSize(payload);
  if (routine > 0) whole += delimitedSize(routine);
  if (callId > 0) whole += delimitedSize(callId);
  if (parentId > 0) whole += delimitedSize(parentId);
  if (call.ahead > 0) whole += uint32Size(call.ahead);
  for (const tag of call.tags) whole += delimitedSize(textSize(tag));
  whole += ambientSize(call.ambient);
  return new CallSizes(whole, routine, payload, callId, parentId);
}

/** Writes a call's fields. */
export function writeCall(writer: FieldWriter, call: CallEnvelope, sizes: CallSizes): void {
  writeRoutine(writer, call, sizes);
  writer.head(ARGUMENTS, sizes.payload);
  writePayload(writer, call.arguments);
  writeRest(writer, call, sizes);
}

function writeRoutine(writer: FieldWriter, { routine }: CallEnvelope, sizes: CallSizes): void {
  if (sizes.routine > 0) writer.text(ROUTINE, routine, sizes.routine);
}

/** Writes the fields behind the arguments. */
function writeRest(writer: FieldWriter, call: CallEnvelope, sizes: CallSizes): void {
  if (sizes.callId > 0) writer.text(CALL_ID, call.callId, sizes.callId);
  if (sizes.parentId > 0) writer.text(PARENT_ID, call.parentId, sizes.parentId);
  if (call.ahead > 0) writer.uint32(AHEAD, call.ahead);
  for (const tag of call.tags) writer.text(TAGS, tag, textSize(tag));
  writeAmbient(writer, AMBIENT, call.ambient);
}

/** Reads a call's fields, over those of an earlier part of the same message. */
export function readCall(reader: FieldReader, earlier?: CallEnvelope): CallEnvelope {
  let routine = earlier?.routine ?? "";
  let args = earlier?.arguments;
  let callId = earlier?.callId ?? "";
  let parentId = earlier?.parentId ?? "";
  let ahead = earlier?.ahead ?? 0;
  let tags = earlier?.tags ?? NO_TAGS;
  let ambient: [string, string][] | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case ROUTINE:
        if (reader.is(DELIMITED)) routine = reader.text();
        break;
      case ARGUMENTS:
        if (reader.is(DELIMITED)) args = reader.message(readPayload) ?? args;
        break;
      case CALL_ID:
        if (reader.is(DELIMITED)) callId = callIdOf(reader.text());
        break;
      case PARENT_ID:
        if (reader.is(DELIMITED)) parentId = callIdOf(reader.text());
        break;
      case AHEAD:
        if (reader.is(VARINT)) ahead = reader.uint32();
        break;
      case TAGS:
        if (reader.is(DELIMITED)) tags = withTag(tags, reader.text());
        break;
      case AMBIENT:
        if (reader.is(DELIMITED)) addAmbient(ambient ??= [], reader.message(readAmbient));
        break;
      default:
        reader.skip();
    }
  }
  const call = { routine, arguments: args ?? NO_ARGUMENTS, callId, parentId, ahead, tags };
  if (ambient === undefined && earlier?.ambient === undefined) return call;
  return { ...call, ambient: withAmbient(earlier?.ambient, ambient ?? []) };
}

const NO_TAGS: readonly string[] = [];

/** More entries than any valid call has are not gathered. */
function addAmbient(entries: [string, string][], entry: readonly [string, string]): void {
  if (entries.push([...entry]) > MAX_AMBIENT_VALUES) withAmbient(undefined, tooMany);
}

const tooMany = Array.from({ length: MAX_AMBIENT_VALUES + 1 }, (_, at) => [`${at}`, ""] as const);

/** Insists that an id is one that may be kept and shown. */
export function callIdOf(text: string): string {
  if (text.length <= MAX_CALL_ID_LENGTH) return text;
  throw new InvalidPayload(`a call's id has at most ${MAX_CALL_ID_LENGTH} characters`);
}

/** Adds a tag to those of a call, within the limits. */
export function withTag(tags: readonly string[], tag: string): readonly string[] {
  if (tags.length < MAX_CALL_TAGS && tag.length <= MAX_TAG_LENGTH) return [...tags, tag];
  throw new InvalidPayload(
    `a call has at most ${MAX_CALL_TAGS} tags of at most ${MAX_TAG_LENGTH} characters`,
  );
}
