import type { Attack } from "./attack.ts";
import { onConnection, onStream } from "./attack.ts";
import { Attacker, CALL, type Target } from "./attacker.ts";
import { data, frame, headers, literals, PREFACE, Type } from "./frames.ts";

/** How many of each hold on at once. */
const MANY = 15;
/** The beginning of a ClientHello: a handshake record that announces 512 octets. */
const HALF_A_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);

/** How long a trickling sender waits after each octet, in milliseconds: far less than any limit. */
const DRIP_MS = 20;

/** More streams than one peer has places. */
const STREAMS = 300;

/** Peers that take their time. */
export const slowAttacks: readonly Attack[] = [
  slow("a TLS handshake that does not begin", "closed", (target) => plaintext(target), "none"),
  slow(
    "a TLS handshake that stops half-way",
    "closed",
    (target) => plaintext(target, HALF_A_HELLO),
    "none",
  ),
  slow(
    "a preface that does not come",
    "GOAWAY SETTINGS_TIMEOUT",
    (target) => sends(target),
    // Who says nothing might be about to speak TLS, and is waited for as long as for that.
    "closed",
  ),
  slow(
    "a preface that stops half-way",
    "GOAWAY SETTINGS_TIMEOUT",
    (target) => sends(target, PREFACE.subarray(0, 20)),
  ),
  onConnection("SETTINGS that are not acknowledged", "GOAWAY SETTINGS_TIMEOUT", async () => {}, {
    polite: false,
    slow: true,
    times: MANY,
  }),
  onConnection(
    "a header block that is not continued",
    "GOAWAY ENHANCE_YOUR_CALM",
    (a) => a.send(frame(Type.HEADERS, 0, 1, literals(CALL))),
    { slow: true, times: MANY },
  ),
  onConnection(
    "a header frame that stops half-way",
    "GOAWAY ENHANCE_YOUR_CALM",
    (a) => a.send(headers(1, literals(CALL), true).subarray(0, 30)),
    { slow: true, times: MANY },
  ),
  onStream("bodies that do not come", "504", async (a) => {
    for (let id = 1; id < 2 * STREAMS; id += 2) {
      await a.send(headers(id, literals(CALL), false));
    }
  }, { slow: true }),
  onStream("bodies that stop half-way", "504", async (a) => {
    for (let id = 1; id < 2 * STREAMS; id += 2) {
      await a.send(headers(id, literals(CALL), false), data(id, Uint8Array.of(0x7b), false));
    }
  }, { slow: true }),
  slow(
    "a TLS handshake that trickles",
    "closed",
    (target) => trickles(plaintext(target, HALF_A_HELLO), new Uint8Array(500)),
    "none",
  ),
  slow(
    "a preface that trickles",
    "GOAWAY SETTINGS_TIMEOUT",
    (target) => trickles(sends(target), PREFACE),
  ),
  onConnection(
    "a header frame that trickles",
    "GOAWAY ENHANCE_YOUR_CALM",
    async (a) => void await trickles(a, headers(1, literals(CALL), true)),
    { slow: true, times: MANY },
  ),
  onConnection("a header block that trickles", "GOAWAY ENHANCE_YOUR_CALM", async (a) => {
    const block = literals(CALL);
    await a.send(frame(Type.HEADERS, 0, 1, block.subarray(0, 1)));
    for (let at = 1; at < block.length && !a.over; at++) {
      await a.send(frame(Type.CONTINUATION, 0, 1, block.subarray(at, at + 1)));
      await pause();
    }
  }, { slow: true, times: MANY }),
  onStream("a body that trickles", "504", async (a) => {
    const answer = a.answer(1);
    let answered = false;
    answer.then(() => answered = true);
    await a.send(headers(1, literals(CALL), false));
    while (!answered) {
      await a.send(data(1, Uint8Array.of(0x20), false));
      await pause();
    }
  }, { slow: true, times: MANY }),
];

/** Sends octet by octet, for as long as there is a peer to send to. */
async function trickles(
  connecting: Attacker | Promise<Attacker>,
  bytes: Uint8Array,
): Promise<Attacker> {
  const attacker = await connecting;
  for (let at = 0; at < bytes.length && !attacker.over; at++) {
    await attacker.send(bytes.subarray(at, at + 1));
    await pause();
  }
  return attacker;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, DRIP_MS));
}

function slow(
  name: string,
  answer: string,
  begin: (target: Target) => Promise<Attacker>,
  inPlaintext = answer,
): Attack {
  return {
    name,
    answer,
    inPlaintext,
    slow: true,
    times: MANY,
    attack: async (target) => {
      using attacker = await begin(target);
      return await attacker.verdict();
    },
  };
}

async function plaintext({ port }: Target, ...bytes: Uint8Array[]): Promise<Attacker> {
  return await begun(await Attacker.connect({ port }), bytes);
}

async function sends(target: Target, ...bytes: Uint8Array[]): Promise<Attacker> {
  return await begun(await Attacker.connect(target), bytes);
}

async function begun(attacker: Attacker, bytes: readonly Uint8Array[]): Promise<Attacker> {
  await attacker.send(...bytes);
  return attacker;
}
