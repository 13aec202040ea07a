import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { inspectRequest } from "./request_fields.ts";
import { inspectResponse } from "./response_fields.ts";
import { inspectTrailers } from "./trailer_fields.ts";

function request(
  { method = "GET", scheme = "https", authority = "a.test", path = "/" },
  ...regular: string[]
): string[] {
  const pseudo = [":method", method, ":scheme", scheme, ":authority", authority, ":path", path];
  return [...pseudo, ...regular];
}

function isValid(fields: readonly string[]): boolean {
  return typeof inspectRequest(fields) === "object";
}

Deno.test("inspectRequest takes what RFC 9113 allows", () => {
  deepStrictEqual(inspectRequest(request({ method: "HEAD" }, "content-length", "12")), {
    contentLength: 12,
    isHead: true,
  });
  for (
    const fields of [
      request({ path: "/a/b?c=d&e=%20" }),
      request({ method: "OPTIONS", path: "*" }),
      request({ authority: "[::1]:8443" }),
      request({ authority: "10.0.0.1:443" }),
      request({ authority: "%2Frun%2Fworker.sock" }),
      request({}, "te", "trailers"),
      request({}, "host", "A.test"),
      request({}, "x", ""),
      request({}, "x", "\x80\xff\tb"),
      request({}, "cookie", "a=b", "cookie", "c=d"),
      [":method", "CONNECT", ":authority", "a.test:443"],
      [":method", "GET", ":scheme", "https", ":path", "/", "host", "a.test"],
      [":path", "/", ":authority", "a.test", ":scheme", "http", ":method", "GET"],
    ]
  ) strictEqual(isValid(fields), true, fields.join(" "));
});

Deno.test("inspectRequest refuses shapes that another hop could read otherwise", () => {
  for (
    const fields of [
      request({ path: "*" }),
      request({ path: "a" }),
      request({ path: "//a\\b c" }),
      request({ path: "/#fragment" }),
      request({ path: "/\x80" }),
      request({ path: "https://a.test/" }),
      request({ method: "G ET" }),
      request({ method: "" }),
      request({ scheme: "" }),
      request({ scheme: "ht tp" }),
      request({ authority: "" }),
      request({ authority: "a.test/" }),
      request({ authority: "a.test:80:80" }),
      request({ authority: "user:pw@a.test" }),
      request({}, "te", "trailers, gzip"),
      request({}, "host", "a.test", "host", "a.test"),
      request({}, "content-length", "1, 1"),
      request({}, "content-length", "-1"),
      request({}, "content-length", "0x10"),
      request({}, "content-length", ""),
      request({}, "keep-alive", "5"),
      request({}, "proxy-connection", "x"),
      request({}, "x", "\x7f"),
      request({}, "x", "a "),
      request({}, "x", "\ta"),
      request({}, "x", "\u0100"),
      request({}, ":x", "a"),
      request({}, "x:y", "a"),
      request({}, "é", "a"),
      [":method", "GET", ":scheme", "https", ":path", "/"],
      [],
    ]
  ) strictEqual(isValid(fields), false, fields.join(" "));
});

Deno.test("inspectResponse takes one status first and no other pseudo-header", () => {
  deepStrictEqual(inspectResponse([":status", "204", "content-length", "0"]), {
    status: 204,
    contentLength: 0,
  });
  strictEqual(typeof inspectResponse([]), "string");
  strictEqual(typeof inspectResponse([":status", "20"]), "string");
  strictEqual(typeof inspectResponse([":status", "200", ":status", "200"]), "string");
  strictEqual(typeof inspectResponse(["x", "y", ":status", "200"]), "string");
});

Deno.test("inspectTrailers takes regular fields that do not frame the message", () => {
  strictEqual(inspectTrailers(["grpc-status", "0", "grpc-message", ""]), undefined);
  strictEqual(inspectTrailers([]), undefined);
  strictEqual(typeof inspectTrailers([":status", "200"]), "string");
  strictEqual(typeof inspectTrailers(["content-length", "1"]), "string");
  strictEqual(typeof inspectTrailers(["host", "a.test"]), "string");
  strictEqual(typeof inspectTrailers(["transfer-encoding", "chunked"]), "string");
});
