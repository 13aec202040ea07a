import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { ErrorCode, type StreamEnd } from "../http2/mod.ts";
import { errorOfStreamEnd } from "./stream_failure.ts";

const cancelled: StreamEnd = { how: "reset-by-peer", code: ErrorCode.CANCEL };

Deno.test("errorOfStreamEnd() tells a cancelled stream from one whose time was over", () => {
  const now = performance.now();
  assert.equal(errorOfStreamEnd(cancelled).code, Code.Canceled);
  assert.equal(errorOfStreamEnd(cancelled, now + 60_000).code, Code.Canceled);
  assert.equal(errorOfStreamEnd(cancelled, now - 1).code, Code.DeadlineExceeded);
});
