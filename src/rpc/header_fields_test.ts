import assert from "node:assert/strict";
import { appendFields } from "./header_fields.ts";

Deno.test("appendFields() escapes no more of a gRPC message than gRPC asks for", () => {
  const message = "a#b$c&d+e,f/g:h;i=j?k@l 100% \u2013 m\r\n";
  const section: string[] = [];
  appendFields(section, new Headers({ "grpc-message": encodeURIComponent(message) }));
  const [, sent = ""] = section;
  assert.equal(sent, "a#b$c&d+e,f/g:h;i=j?k@l%20100%25%20%E2%80%93%20m%0D%0A");
  assert.equal(decodeURI(sent), message);
  assert.equal(decodeURIComponent(sent), message);
});
