import type { AcceptedChannel } from "../channel/mod.ts";
import { isPeerReason, type PeerReason } from "../errors/mod.ts";
import { ErrorCode } from "../http2/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { NO_BYTES } from "../values/mod.ts";

/** Debug data beyond this is not read. */
const REFUSAL_BYTES = 256;
/**
 * What a refused client may still send; it is counted and discarded. Without a window of ours it sends 64 KiB
 * of request bodies (RFC 9113 §6.9.2), and the header sections beside them.
 */
const DISCARDED_BYTES = 128 * 1024;
/** How long a refused client may take to read the reason and to close, in milliseconds. */
const LINGER_MS = 1000;
/**
 * The pause between a refused client's first bytes and the reason, in milliseconds. A client reports the
 * debug data of a GOAWAY to its user only where a call of its own waits for the connection: its first
 * request has to be on its way. Those measured send it within 20 ms of the preface.
 */
const AFTER_FIRST_BYTES_MS = 50;
/** When a client that sends nothing is given the reason, in milliseconds from the refusal. */
const SILENT_CLIENT_MS = 900;
/** The largest stream id: the client's calls *may* have begun, so that it does not retry them at once (RFC 9113 §6.8). */
const LAST_STREAM_ID = 2 ** 31 - 1;

const SETTINGS = 4;
const GOAWAY = 7;
const FRAME_HEADER_BYTES = 9;

/** An empty SETTINGS frame, which a server sends first (RFC 9113 §3.4). */
export function refusalSettings(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  bytes[3] = SETTINGS;
  return bytes;
}

/**
 * The GOAWAY with the reason for a refusal (RFC 9113 §6.8), what is wrong with the client's certificate; without one
 * where it has too many connections.
 */
export function refusalGoAway(reason: PeerReason | undefined): Uint8Array<ArrayBuffer> {
  const debugData = reason === undefined ? NO_BYTES : refusalData(reason);
  const code = reason === undefined ? ErrorCode.ENHANCE_YOUR_CALM : ErrorCode.INADEQUATE_SECURITY;
  const length = 8 + debugData.length;
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + length);
  const view = new DataView(bytes.buffer);
  view.setUint16(1, length);
  bytes[3] = GOAWAY;
  view.setUint32(FRAME_HEADER_BYTES, LAST_STREAM_ID);
  view.setUint32(FRAME_HEADER_BYTES + 4, code);
  bytes.set(debugData, FRAME_HEADER_BYTES + 8);
  return bytes;
}

/** What a GOAWAY says of a client that is not accepted, or not any more: one word about its own certificate. */
export function refusalData(reason: PeerReason): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ refused: reason }));
}

/** Reads the reason out of a GOAWAY; `undefined` where it is not one of ours, to the letter. */
export function readRefusal(code: number, debugData: Uint8Array): PeerReason | undefined {
  if (code !== ErrorCode.INADEQUATE_SECURITY || debugData.length > REFUSAL_BYTES) return undefined;
  const json = jsonOf(debugData);
  if (typeof json !== "object" || json === null) return undefined;
  const [[key, word] = [], ...more] = Object.entries(json);
  return key === "refused" && more.length === 0 && isPeerReason(word) ? word : undefined;
}

/**
 * Refuses a client: SETTINGS at once, the reason in a GOAWAY a moment after its first bytes, then the end.
 * What it sends is counted and discarded; no HTTP/2 is parsed. Reading goes on for a while after the end, so
 * that the reason is not lost to a reset.
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
  let isOver = false;
  let isSent = false;
  const sayReason = (): void => {
    if (isSent || isOver) return;
    isSent = true;
    channel.write(refusalGoAway(reason), () => {});
    channel.end();
    next(() => channel.destroy(), LINGER_MS);
  };
  let timer: Disposable | undefined;
  const next = (callback: () => void, delayMs: number): void => {
    timer?.[Symbol.dispose]();
    timer = clock.schedule(callback, delayMs);
  };
  next(sayReason, SILENT_CLIENT_MS);
  channel.write(refusalSettings(), () => {});
  channel.start({
    received: (bytes) => {
      const isFirst = discarded === 0;
      discarded += bytes.length;
      if (discarded > DISCARDED_BYTES) return channel.destroy();
      if (!isFirst) return;
      onSpeech();
      if (!isSent) next(sayReason, AFTER_FIRST_BYTES_MS);
    },
    // It will send no request any more, and may still read.
    ended: sayReason,
    closed: () => {
      isOver = true;
      timer?.[Symbol.dispose]();
      accepted.settle();
    },
  });
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
