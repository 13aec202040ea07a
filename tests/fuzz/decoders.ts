/**
 * Bytes that were once fine, broken at random, against every decoder that a peer reaches.
 *
 * As a program: `deno run -A tests/fuzz/decoders.ts [SECONDS] [SEED]`. What it finds is written into
 * `corpus.json`, where every run begins.
 *
 * @module
 */
import { ConnectError } from "@connectrpc/connect";
import { InvalidPayload } from "../../src/errors/mod.ts";
import { HpackDecoder, HpackEncoder, HpackError } from "../../src/http2/hpack/mod.ts";
import { isCertificateFault, parseCertificate } from "../../src/identity/mod.ts";
import {
  type CallEnvelope,
  decodeArguments,
  decodeCallRequest,
  decodeCallResponse,
  decodeDuplexRequest,
  decodeItem,
  decodePayload,
  encodeCallRequest,
  encodeCallResponse,
  type EncodedPayload,
  encodeDuplexRequest,
  encodeItem,
  encodePayload,
} from "../../src/routine/mod.ts";
import { BodyReader } from "../../src/rpc/wire/body_reader.ts";
import { envelope, soleMessage } from "../../src/rpc/wire/envelope.ts";
import { WholeEnvelopes } from "../../src/rpc/wire/whole_messages.ts";
import { forge } from "../support/forge.ts";
import { joined } from "../../src/values/mod.ts";

/** A decoder, bytes it takes, and the only way in which it may say no. */
interface Target {
  readonly seeds: readonly Uint8Array[];
  /** Throws where something other than the refusal that is meant happens. */
  readonly run: (bytes: Uint8Array) => unknown;
}

/** How long to look. */
export interface FuzzDecodersOptions {
  /** How many inputs each target is given. Default: as many as fit in `seconds`. */
  readonly runs?: number;
  /** How long to try, in seconds. Default: until every target had its `runs`. */
  readonly seconds?: number;
  /** Where the chance begins. Default: 1. */
  readonly seed?: number;
}

/** An input on which a decoder did what it may not. */
export class Find extends Error {
  /** Made of what was thrown for which bytes. */
  constructor(readonly target: string, readonly bytes: Uint8Array, cause: unknown) {
    super(`${target} on ${bytes.toHex()}: ${cause}`, { cause });
  }
}

const MAX_INPUT_BYTES = 4_096;
const CORPUS = new URL("./corpus.json", import.meta.url);
const LIST = [":method", "POST", ":path", "/a.B/C", "authorization", "x", "content-length", "12"];

const CALL: CallEnvelope = {
  routine: "math.add",
  arguments: encodePayload([1, 2], "arguments"),
  callId: "c1",
  parentId: "p1",
  ahead: 16,
  tags: ["gpu"],
};

const TARGETS: Readonly<Record<string, Target>> = {
  "payload": {
    seeds: [
      encodePayload([1, -0, 2n ** 70n, "é", new Date(0), new Uint8Array(3)], "arguments"),
      encodePayload([new Map([[{ a: 1 }, new Set([1])]]), [undefined, null, NaN]], "arguments"),
    ].map(bytesOf),
    run: (bytes) => throwsOnly(InvalidPayload, () => againTheSame({ form: "cbor", bytes })),
  },
  "payload in JSON": {
    seeds: ['[1,{"a":[true,null,"\\u00e9"]}]', '[[["x"]]]'].map((text) => utf8(text)),
    run: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      return throwsOnly(InvalidPayload, () => decodeArguments({ form: "json", text }));
    },
  },
  "call envelope": {
    seeds: [encodeCallRequest(CALL)],
    run: (bytes) => throwsOnly(InvalidPayload, () => decodeCallRequest(bytes)),
  },
  "answer envelope": {
    seeds: [encodeCallResponse(encodePayload({ a: 1 }, "result"))],
    run: (bytes) => throwsOnly(InvalidPayload, () => decodeCallResponse(bytes)),
  },
  "item envelope": {
    seeds: [
      encodeItem({ kind: "value", payload: encodePayload({ a: 1 }, "item") }),
      encodeItem({ kind: "credit", items: 8 }),
    ],
    run: (bytes) => throwsOnly(InvalidPayload, () => decodeItem(bytes)),
  },
  "duplex envelope": {
    seeds: [
      encodeDuplexRequest({ kind: "call", call: CALL }),
      encodeDuplexRequest({ kind: "value", payload: encodePayload("x", "input") }),
      encodeDuplexRequest({ kind: "credit", items: 8 }),
      encodeDuplexRequest({ kind: "end" }),
    ],
    run: (bytes) => throwsOnly(InvalidPayload, () => decodeDuplexRequest(bytes)),
  },
  "HPACK": {
    seeds: [headerBlock(LIST), headerBlock([...LIST, "x-long", "v".repeat(300)])],
    run: (bytes) =>
      throwsOnly(HpackError, () => {
        const decoder = new HpackDecoder(16 * 1024);
        decoder.decode(bytes, 0, bytes.length);
        decoder.decode(bytes, 0, bytes.length);
      }),
  },
  "one gRPC message": {
    seeds: [envelope(utf8("hello"), 0)],
    run: (bytes) => {
      const message = soleMessage(bytes);
      if (message !== undefined && message.length !== bytes.length - 5) {
        throw new Error("cut wrong");
      }
    },
  },
  "envelopes": {
    seeds: [joined([envelope(utf8("hello"), 0), envelope(utf8("{}"), 2)])],
    run: (bytes) => throwsOnly(ConnectError, () => readEnvelopes(bytes)),
  },
  "certificate": {
    seeds: [forge({ subject: "root", authority: true }).der, forge({}).der],
    run: (bytes) => {
      const certificate = parseCertificate(bytes);
      if (isCertificateFault(certificate)) return;
      if (certificate.der.length !== bytes.length) throw new Error("bytes were left over");
    },
  },
};

/** Gives every decoder the corpus, and then its seeds broken at random; throws the first {@linkcode Find}. */
export async function fuzzDecoders(options: FuzzDecodersOptions): Promise<number> {
  const chance = new Chance(options.seed ?? 1);
  const end = performance.now() + (options.seconds ?? Infinity) * 1_000;
  const inputs = await corpus();
  let given = 0;
  for (const [name, inputsOfTarget] of inputs) {
    for (const bytes of inputsOfTarget) {
      await tryInput(name, bytes);
      given++;
    }
  }
  for (let run = 0; run < (options.runs ?? Infinity) && performance.now() < end; run++) {
    for (const [name, { seeds }] of Object.entries(TARGETS)) {
      const from = [...seeds, ...inputs.get(name) ?? []];
      await tryInput(name, broken(from, chance));
      given++;
    }
  }
  return given;
}

/** The inputs that every run begins with: shapes that broke a decoder once, here or elsewhere. */
async function corpus(): Promise<Map<string, Uint8Array[]>> {
  const entries: Record<string, { readonly hex: string }[]> = JSON.parse(
    await Deno.readTextFile(CORPUS),
  );
  return new Map(
    Object.entries(entries).map(([name, inputs]) => {
      if (!(name in TARGETS)) throw new Error(`the corpus names no target "${name}"`);
      return [name, inputs.map(({ hex }) => Uint8Array.fromHex(hex))];
    }),
  );
}

async function tryInput(name: string, bytes: Uint8Array): Promise<void> {
  try {
    await TARGETS[name]!.run(bytes.slice());
  } catch (error) {
    throw new Find(name, bytes, error);
  }
}

/** One of the inputs with a few of its bytes changed, dropped, doubled, or taken from another. */
function broken(inputs: readonly Uint8Array[], chance: Chance): Uint8Array {
  let bytes = [...inputs[chance.below(inputs.length)]!];
  for (let change = chance.below(6); change >= 0; change--) {
    const at = chance.below(bytes.length + 1);
    const length = chance.below(8);
    switch (chance.below(6)) {
      case 0:
        bytes[at] = chance.below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8));
        break;
      case 2:
        bytes.splice(at, length);
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + length * 4));
        break;
      case 4:
        bytes.splice(at, 0, ...Array.from({ length }, () => EDGES[chance.below(EDGES.length)]!));
        break;
      case 5: {
        const other = inputs[chance.below(inputs.length)]!;
        bytes = [...bytes.slice(0, at), ...other.slice(chance.below(other.length + 1))];
      }
    }
  }
  return Uint8Array.from(bytes.slice(0, MAX_INPUT_BYTES), (byte) => byte ?? 0);
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x5f, 0x9f, 0xbf, 0x1b, 0x3b, 0x9b, 0x30, 0x82];

/** Runs a decoder; a refusal of its own kind is as good as an answer. */
async function throwsOnly(
  refusal: abstract new (...args: never[]) => Error,
  decode: () => unknown,
): Promise<void> {
  try {
    await decode();
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
  }
}

/** What can be read can be written, and is read as the same again. */
function againTheSame(payload: EncodedPayload): void {
  const once = bytesOf(encodePayload(decodePayload(payload, "arguments"), "arguments"));
  const value = decodePayload({ form: "cbor", bytes: once }, "arguments");
  const twice = bytesOf(encodePayload(value, "arguments"));
  if (once.toHex() !== twice.toHex()) throw new Error("not the same again");
}

async function readEnvelopes(bytes: Uint8Array): Promise<void> {
  const body = new BodyReader({ release: () => {}, abandoned: () => {} });
  const cut = bytes.length >> 1;
  body.push(bytes.slice(0, cut));
  body.push(bytes.slice(cut));
  body.end();
  for await (const _ of new WholeEnvelopes(body, 64 * 1024, { endFlag: 2 }));
}

function headerBlock(list: readonly string[]): Uint8Array {
  const out = new Uint8Array(4_096);
  return out.slice(0, new HpackEncoder(4_096).encode(list, out, 0));
}

function bytesOf(payload: EncodedPayload): Uint8Array {
  if (payload.form !== "cbor") throw new TypeError("not CBOR");
  return payload.bytes;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Chance that can be had again: mulberry32. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
}

/** Keeps a find for every run to come. */
async function keep({ target, bytes }: Find): Promise<void> {
  const entries = JSON.parse(await Deno.readTextFile(CORPUS));
  (entries[target] ??= []).push({ hex: bytes.toHex(), why: "found by chance" });
  await Deno.writeTextFile(CORPUS, JSON.stringify(entries, null, 2) + "\n");
}

if (import.meta.main) {
  const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  try {
    console.log(
      `${await fuzzDecoders({ seconds: Number(Deno.args[0] ?? 60), seed })} inputs, no find`,
    );
  } catch (error) {
    if (error instanceof Find) await keep(error);
    throw error;
  }
}
