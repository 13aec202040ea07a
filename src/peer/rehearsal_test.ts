import assert from "node:assert/strict";
import { forge } from "../../tests/support/forge.ts";
import { leaf, root, trusting, WORKER } from "../../tests/support/judging.ts";
import type { TlsFacts } from "../channel/mod.ts";
import { parsePatterns, type PeerQuestion } from "../identity/mod.ts";
import { type RehearsedChannel, rehearsePeers } from "./rehearsal.ts";

const PEERS = 20;

const question: PeerQuestion = {
  role: "client",
  anchors: trusting(root),
  expected: parsePatterns([WORKER], { clients: true }),
  now: Date.now(),
};

function channelOf(chain: TlsFacts["peerChain"]): RehearsedChannel {
  const tls: TlsFacts = {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    keyExchange: "x25519",
    alpn: "h2",
    peerChain: chain,
    resumed: false,
    platformAuthorized: true,
  };
  return { address: "127.0.0.1:1", identity: WORKER, tls };
}

Deno.test("rehearsePeers() judges no two peers in one turn of the event loop", async () => {
  const channels = Array.from({ length: PEERS }, () => channelOf([leaf().der]));
  const state = { isOver: false, turns: 0 };
  const turns = async () => {
    for (; !state.isOver; state.turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const counted = turns();
  const rehearsed = await rehearsePeers(channels, question, () => true);
  state.isOver = true;
  await counted;
  assert.deepEqual(rehearsed.map(({ outcome }) => outcome), channels.map(() => "accepted"));
  assert.ok(state.turns >= PEERS, `${state.turns} turns`);
});

Deno.test("rehearsePeers() names a peer that other authorities refuse, and one that shows nothing", async () => {
  const stranger = channelOf([forge({ issuer: forge({ subject: "other", authority: true }) }).der]);
  const [refused, unproven] = await rehearsePeers(
    [stranger, { address: "127.0.0.1:2", identity: undefined, tls: undefined }],
    question,
    () => true,
  );
  const { outcome, refusedBy, reason } = refused!;
  assert.deepEqual([outcome, refusedBy, reason], ["refused", "worker", "untrusted-authority"]);
  assert.deepEqual(unproven, { address: "127.0.0.1:2", outcome: "unproven" });
});
