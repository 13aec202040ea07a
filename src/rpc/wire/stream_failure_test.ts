import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { ErrorCode, type StreamEnd } from "../../http2/mod.ts";
import { brokenOff, errorOfStreamEnd } from "./stream_failure.ts";

const cancelled: StreamEnd = { how: "reset-by-peer", code: ErrorCode.CANCEL };

Deno.test("errorOfStreamEnd() distinguishes a cancelled stream from one whose time was over", () => {
  const now = performance.now();
  assert.equal(errorOfStreamEnd(cancelled).code, Code.Canceled);
  assert.equal(errorOfStreamEnd(cancelled, now + 60_000).code, Code.Canceled);
  assert.equal(errorOfStreamEnd(cancelled, now - 1).code, Code.DeadlineExceeded);
});

Deno.test("errorOfStreamEnd() distinguishes what we reset a stream for from what a peer asks for", () => {
  const code = ErrorCode.ENHANCE_YOUR_CALM;
  const cause = new Error("a header list over the limit");
  const byUs = errorOfStreamEnd({ how: "reset-by-us", code, cause });
  assert.equal(byUs.code, Code.Internal);
  assert.match(byUs.message, /for what the peer sent: a header list over the limit$/);
  const byPeer = errorOfStreamEnd({ how: "reset-by-peer", code });
  assert.equal(byPeer.code, Code.ResourceExhausted);
  assert.deepEqual([byUs, byPeer].map(brokenOff), [true, false]);
});
