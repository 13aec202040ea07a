import { inspectRequest, type RequestShape } from "../fields/request_fields.ts";
import { inspectResponse, type ResponseShape } from "../fields/response_fields.ts";
import { inspectTrailers } from "../fields/trailer_fields.ts";
import type { DecodedBlock } from "../hpack/mod.ts";

/** What was found out about a received list; kept with its block, for equal ones to come. */
export interface BlockNote {
  request?: RequestShape | string;
  response?: ResponseShape | string;
  trailers?: string | undefined;
  trailersInspected?: true;
}

/** A received header block. */
export type ReceivedBlock = DecodedBlock<BlockNote>;

/** The block as a request's header section, or what is wrong with it. */
export function requestOf(block: ReceivedBlock): RequestShape | string {
  const note = block.note ??= {};
  return note.request ??= inspectRequest(block.fields);
}

/** The block as a response's header section, or what is wrong with it. */
export function responseOf(block: ReceivedBlock): ResponseShape | string {
  const note = block.note ??= {};
  return note.response ??= inspectResponse(block.fields);
}

/** What is wrong with the block as a trailer section, if anything. */
export function wrongTrailers(block: ReceivedBlock): string | undefined {
  const note = block.note ??= {};
  if (!note.trailersInspected) {
    note.trailersInspected = true;
    note.trailers = inspectTrailers(block.fields);
  }
  return note.trailers;
}
