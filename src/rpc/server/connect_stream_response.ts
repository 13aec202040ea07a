import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import type { ArrivedRequest } from "./plain_call.ts";
import { type AnsweredCall, type ResponseForm, StreamResponse } from "./stream_response.ts";

const FORM: ResponseForm = {
  ordinary: [":status", "200", "content-type", "application/connect+proto"],
  encodingField: "connect-content-encoding",
};

/** A response of Connect: a last message holds its metadata and its error. */
export class ConnectStreamResponse extends StreamResponse {
  constructor(request: ArrivedRequest, call: AnsweredCall) {
    super(request, call, FORM, request.facts.acceptStreamEncoding);
  }

  protected override sendEnd(error: unknown): Promise<void> {
    return this.sendLast(endStreamFlag, this.#endMessage(error));
  }

  #endMessage(error: unknown): Uint8Array {
    const trailer = this.call.metadata?.trailer;
    if (error === undefined && trailer === undefined) return SUCCESS;
    const failure = error === undefined ? undefined : this.failureOf(error);
    const end = endStreamToJson(trailer ?? new Headers(), failure, this.request.json);
    return utf8.encode(JSON.stringify(end));
  }
}

const utf8 = new TextEncoder();
const SUCCESS = utf8.encode("{}");
