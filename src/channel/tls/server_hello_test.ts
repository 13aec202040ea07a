import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "../../../tests/support/fast_check.ts";
import { KeyExchangeReader } from "./server_hello.ts";

const TLS_1_3 = [0, 43, 0, 2, 3, 4];
const CHANGE_CIPHER_SPEC = [0x14, 3, 3, 0, 1, 1];
const RETRY = [...createHash("sha256").update("HelloRetryRequest").digest()];

/** A ServerHello that takes a group, with a share of some length; a HelloRetryRequest has none. */
function hello(group: number, { random = new Array<number>(32).fill(7), share = 32 } = {}) {
  const entry = share === 0
    ? two(group)
    : [...two(group), ...two(share), ...new Array(share).fill(9)];
  return message(2, body(random, [...TLS_1_3, 0, 51, ...two(entry.length), ...entry]));
}

function body(random: readonly number[], extensions: readonly number[]): number[] {
  return [3, 3, ...random, 0, 0x13, 1, 0, ...two(extensions.length), ...extensions];
}

function message(type: number, content: readonly number[]): number[] {
  return [type, 0, ...two(content.length), ...content];
}

function record(content: readonly number[], type = 0x16): number[] {
  return [type, 3, 3, ...two(content.length), ...content];
}

function two(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** What is read of these bytes, given in pieces of a length. */
function read(bytes: readonly number[], piece = bytes.length): KeyExchangeReader {
  const reader = new KeyExchangeReader();
  for (let at = 0; at < bytes.length; at += piece) {
    reader.read(new Uint8Array(bytes.slice(at, at + piece)));
  }
  return reader;
}

Deno.test("KeyExchangeReader finds the group, however the bytes are cut", () => {
  const classical = record(hello(0x1d));
  const hybrid = record(hello(0x11ec, { share: 1_120 }));
  const apart = [...hello(0x1d)];
  const inRecords = [
    ...record(apart.slice(0, 3)),
    ...record(apart.slice(3, 50)),
    ...record(apart.slice(50)),
  ];
  for (const piece of [1, 2, 7, 5_000]) {
    assert.equal(read(classical, piece).group, "x25519");
    assert.equal(read(hybrid, piece).group, "X25519MLKEM768");
    assert.equal(read(inRecords, piece).group, "x25519");
  }
  assert.equal(read(record(hello(0x9999))).group, "0x9999");
});

Deno.test("KeyExchangeReader takes no HelloRetryRequest for the ServerHello", () => {
  const retry = record(hello(0x18, { random: RETRY, share: 0 }));
  assert.deepEqual([read(retry).group, read(retry).done], ["unknown", false]);
  const both = [...retry, ...CHANGE_CIPHER_SPEC, ...record(hello(0x11ec, { share: 1_120 }))];
  for (const piece of [1, 100, 5_000]) assert.equal(read(both, piece).group, "X25519MLKEM768");
});

Deno.test("KeyExchangeReader says unknown, and reads no further, where TLS 1.2 or no ServerHello comes", () => {
  const random = new Array<number>(32).fill(7);
  const old = message(2, body(random, []));
  const certificate = message(11, new Array<number>(9_000).fill(1));
  const cases = {
    "TLS 1.2 without extensions": record(message(2, [3, 3, ...random, 0, 0xc0, 0x2f, 0])),
    "TLS 1.2 and all that follows in one record": record([...old, ...certificate]),
    "a key share that is not of TLS 1.3": record(message(2, body(random, [0, 51, 0, 2, 0, 0x1d]))),
    "another message": record(message(1, [])),
    "an alert": record([2, 40], 0x15),
    "an empty record": record([]),
    "one that is longer than a ServerHello is": record(message(2, new Array(5_000).fill(0))),
    "an extension that is cut short": record(message(2, body(random, [...TLS_1_3, 0, 51, 0, 9]))),
  };
  for (const [about, bytes] of Object.entries(cases)) {
    const { group, done } = read(bytes);
    assert.deepEqual([group, done], ["unknown", true], about);
  }
});

Deno.test("KeyExchangeReader never throws, and keeps little, whatever it is given", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
    const reader = new KeyExchangeReader();
    reader.read(new Uint8Array([0x16, 3, 3, 0xff, 0xff, 2, 0, 1, 0]));
    for (const chunk of chunks) reader.read(chunk);
    assert.equal(typeof reader.group, "string");
  }));
});
