import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { HeaderList } from "../../http2/mod.ts";
import { appendFields } from "../wire/header_fields.ts";
import type { ArrivedRequest } from "./plain_call.ts";
import { type AnsweredCall, type ResponseForm, StreamResponse } from "./stream_response.ts";

const FORM: ResponseForm = {
  ordinary: [":status", "200", "content-type", "application/grpc+proto"],
  encodingField: "grpc-encoding",
};

const SUCCESS: HeaderList = ["grpc-status", "0"];

/** A response of gRPC: its metadata and its status are trailers. */
export class GrpcStreamResponse extends StreamResponse {
  constructor(request: ArrivedRequest, call: AnsweredCall) {
    super(request, call, FORM, request.facts.acceptEncoding);
  }

  protected override sendEnd(error: unknown): void {
    const section = this.#trailer(error);
    this.sendHeader();
    this.stream.sendTrailers(section);
  }

  #trailer(error: unknown): HeaderList {
    const own = this.call.metadata?.trailer;
    if (error === undefined && own === undefined) return SUCCESS;
    const trailer = new Headers(own);
    if (error !== undefined) setTrailerStatus(trailer, this.failureOf(error));
    const section: string[] = [];
    appendFields(section, trailer);
    return section;
  }
}
