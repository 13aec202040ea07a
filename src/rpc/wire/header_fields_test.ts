import assert from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { appendFields, headersOf, withLength } from "./header_fields.ts";

Deno.test("headersOf leaves out pseudo-headers and keeps every value of a name", () => {
  const headers = headersOf([":path", "/", "a", "1", "a", "2", "b", ""]);
  assert.deepEqual([...headers ?? []], [["a", "1, 2"], ["b", ""]]);
});

Deno.test("headersOf joins the parts of a cookie with semicolons", () => {
  assert.equal(headersOf(["cookie", "a=1", "cookie", "b=2"])?.get("cookie"), "a=1; b=2");
});

Deno.test("headersOf refuses what Headers would throw for or change", () => {
  const invalid = [
    ["", "x"],
    ["a b", "x"],
    ["a(b", "x"],
    ["A", "x"],
    ["é", "x"],
    ["a", " x"],
    ["a", "x\t"],
    ["a", "x\ny"],
    ["a", "x\0y"],
    ["a", "x\u0001y"],
    ["a", "\u0100"],
  ];
  for (const fields of invalid) assert.equal(headersOf(fields), undefined, JSON.stringify(fields));
});

Deno.test("headersOf never throws", () => {
  const text = fc.string({ unit: "binary", maxLength: 10 });
  fc.assert(fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (fields) => {
    headersOf(fields.flat());
  }));
});

Deno.test("appendFields leaves out the fields of a connection, and what says how long another body was", () => {
  const section: string[] = [];
  const headers = new Headers({
    "connection": "close",
    "keep-alive": "1",
    "transfer-encoding": "chunked",
    "upgrade": "h2c",
    "content-length": "7",
    "te": "gzip",
    "x-a": "1",
  });
  appendFields(section, headers);
  assert.deepEqual(section, ["x-a", "1"]);
  appendFields(section, new Headers({ te: "trailers" }));
  assert.deepEqual(section.slice(2), ["te", "trailers"]);
});

Deno.test("withLength() announces the length of a large body alone", () => {
  const section = [":status", "200"];
  assert.equal(withLength(section, 1000), section);
  assert.deepEqual(withLength(section, 40_000), [...section, "content-length", "40000"]);
});
