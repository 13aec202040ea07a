import { strictEqual } from "node:assert/strict";
import { afterReceivedEnd, afterSentEnd, peerMaySend, weMaySend } from "./stream_state.ts";

Deno.test("a stream is closed once both directions have ended, in either order", () => {
  strictEqual(afterSentEnd("open"), "half-closed-local");
  strictEqual(afterReceivedEnd("open"), "half-closed-remote");
  strictEqual(afterReceivedEnd(afterSentEnd("open")), "closed");
  strictEqual(afterSentEnd(afterReceivedEnd("open")), "closed");
  strictEqual(afterSentEnd("closed"), "closed");
});

Deno.test("a half-closed stream carries the other direction only", () => {
  strictEqual(peerMaySend("half-closed-local"), true);
  strictEqual(weMaySend("half-closed-local"), false);
  strictEqual(peerMaySend("half-closed-remote"), false);
  strictEqual(weMaySend("half-closed-remote"), true);
  strictEqual(peerMaySend("closed") || weMaySend("closed"), false);
});
