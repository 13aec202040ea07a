import { inspectRequest, type RequestShape } from "./request_fields.ts";
import { inspectResponse, type ResponseShape } from "./response_fields.ts";
import { inspectTrailers } from "./trailer_fields.ts";
import type { HeaderList } from "../header_list.ts";
import { RepeatedLists } from "./repeated_lists.ts";

/** What was found out about a list that is sent again and again. */
interface Inspected {
  request?: RequestShape;
  response?: ResponseShape;
  trailers?: true;
}

/** Refuses to send fields that RFC 9113 §8 calls malformed, each repeated list looked at once. */
export class SentFields {
  readonly #known: RepeatedLists<Inspected> = new RepeatedLists(nothingYet);

  /** @throws {TypeError} for fields that are no request's. */
  request(fields: HeaderList): RequestShape {
    const known = this.#known.find(fields);
    if (known?.request) return known.request;
    const shape = accept(inspectRequest(fields));
    if (known) known.request = shape;
    return shape;
  }

  /** @throws {TypeError} for fields that are no response's. */
  response(fields: HeaderList): ResponseShape {
    const known = this.#known.find(fields);
    if (known?.response) return known.response;
    const shape = accept(inspectResponse(fields));
    if (known) known.response = shape;
    return shape;
  }

  /** @throws {TypeError} for fields that are no trailers. */
  trailers(fields: HeaderList): void {
    const known = this.#known.find(fields);
    if (known?.trailers) return;
    const wrong = inspectTrailers(fields);
    if (wrong) accept(wrong);
    if (known) known.trailers = true;
  }
}

function nothingYet(): Inspected {
  return {};
}

function accept<Shape>(shape: Shape | string): Shape {
  if (typeof shape === "string") throw new TypeError(`malformed fields are not sent: ${shape}`);
  return shape;
}
