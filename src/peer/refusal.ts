import type { AcceptedChannel } from "../channel/mod.ts";
import { isPeerReason, type PeerReason } from "../errors/mod.ts";
import { ErrorCode } from "../http2/mod.ts";
import type { Clock } from "../observe/mod.ts";

/** Debug data beyond this is not read. */
const REFUSAL_BYTES = 256;
/** What a refused client may still send; it is counted and thrown away. */
const DISCARDED_BYTES = 64 * 1024;
/** How long a refused client may take to read why and to hang up, in milliseconds. */
const LINGER_MS = 1000;

const SETTINGS = 4;
const GOAWAY = 7;
const FRAME_HEADER_BYTES = 9;

/**
 * The bytes a refused client is sent: SETTINGS, which must come first, and GOAWAY with the reason
 * (RFC 9113 §6.8).
 *
 * @param reason What is wrong with its certificate; `undefined` where it has too many connections.
 */
export function refusalBytes(reason: PeerReason | undefined): Uint8Array<ArrayBuffer> {
  const debugData = new TextEncoder().encode(
    reason === undefined ? "" : JSON.stringify({ refused: reason }),
  );
  const code = reason === undefined ? ErrorCode.ENHANCE_YOUR_CALM : ErrorCode.INADEQUATE_SECURITY;
  const length = 8 + debugData.length;
  const bytes = new Uint8Array(2 * FRAME_HEADER_BYTES + length);
  const view = new DataView(bytes.buffer);
  bytes[3] = SETTINGS;
  view.setUint16(FRAME_HEADER_BYTES + 1, length);
  bytes[FRAME_HEADER_BYTES + 3] = GOAWAY;
  // The last stream id stays 0: no stream was opened, none ever will be.
  view.setUint32(2 * FRAME_HEADER_BYTES + 4, code);
  bytes.set(debugData, 2 * FRAME_HEADER_BYTES + 8);
  return bytes;
}

/** Reads the reason out of a GOAWAY; `undefined` where it is not one of ours, to the letter. */
export function readRefusal(code: number, debugData: Uint8Array): PeerReason | undefined {
  if (code !== ErrorCode.INADEQUATE_SECURITY || debugData.length > REFUSAL_BYTES) return undefined;
  const told = jsonOf(debugData);
  if (typeof told !== "object" || told === null) return undefined;
  const [[key, word] = [], ...more] = Object.entries(told);
  return key === "refused" && more.length === 0 && isPeerReason(word) ? word : undefined;
}

/**
 * Sends a client the reason for its refusal and hangs up: a little of what it sends meanwhile is
 * discarded, so that the reason is not lost to a reset. No HTTP/2 is parsed.
 *
 * @param reason What is wrong with its certificate; `undefined` where it has too many connections.
 * @param onSpeech Called once where the client sends something nevertheless.
 */
export function refuse(
  accepted: AcceptedChannel,
  reason: PeerReason | undefined,
  clock: Clock,
  onSpeech: () => void = () => {},
): void {
  const { channel } = accepted;
  let discarded = 0;
  const linger = clock.schedule(() => channel.destroy(), LINGER_MS);
  channel.start({
    received: (bytes) => {
      if (discarded === 0) onSpeech();
      discarded += bytes.length;
      if (discarded > DISCARDED_BYTES) channel.destroy();
    },
    ended: () => {},
    closed: () => {
      linger[Symbol.dispose]();
      accepted.settle();
    },
  });
  channel.write(refusalBytes(reason), () => {});
  channel.end();
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
