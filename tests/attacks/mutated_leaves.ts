import { type KeyObject, sign } from "node:crypto";
import { bitString, sequence, tagged } from "../../src/credentials/der_writer.ts";

/** A certificate that its authority signed although something in it is out of place. */
export interface MutatedLeaf {
  /** Where, and what was done there. */
  readonly name: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** One element of DER with what is nested in it; an OCTET STRING may hold DER as well. */
interface Node {
  readonly tag: number;
  readonly children: readonly Node[] | undefined;
  readonly contents: Uint8Array;
}

const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;
const NULL = Uint8Array.of(0x05, 0x00);
const SEQUENCE = Uint8Array.of(0x30, 0x00);

/** Every leaf that differs from this one in one element of its signed part, signed again. */
export function* mutatedLeaves(leaf: Uint8Array, issuerKey: KeyObject): Generator<MutatedLeaf> {
  const [whole] = nodesOf(leaf) ?? [];
  const [signed, algorithm] = whole?.children ?? [];
  if (signed === undefined || algorithm === undefined) throw new TypeError("no certificate");
  for (const { name, written } of mutations(signed, "tbs")) {
    const signature = sign("sha256", written, issuerKey);
    yield { name, der: sequence(written, write(algorithm), bitString(signature)) };
  }
}

function* mutations(node: Node, at: string): Generator<{ name: string; written: Uint8Array }> {
  const { tag, contents, children } = node;
  const others: readonly (readonly [string, Uint8Array])[] = [
    ["left out", new Uint8Array(0)],
    ["twice", Uint8Array.of(...write(node), ...write(node))],
    ["empty", tagged(tag)],
    ["a NULL", NULL],
    ["an empty SEQUENCE", SEQUENCE],
    ["an octet longer", tagged(tag, contents, Uint8Array.of(0))],
    ["an octet shorter", tagged(tag, contents.subarray(0, -1))],
    ["with a NULL at its end", tagged(tag, contents, NULL)],
    ["with a SEQUENCE at its end", tagged(tag, contents, SEQUENCE)],
    ["of another tag", tagged(tag ^ 0x01, contents)],
    ["of another class", tagged(tag ^ 0x80, contents)],
    ["of the other form", tagged(tag ^ CONSTRUCTED, contents)],
    ["with its last bit turned", tagged(tag, turned(contents, contents.length - 1))],
    ["with its first bit turned", tagged(tag, turned(contents, 0))],
  ];
  for (const [what, written] of others) yield { name: `${at} ${what}`, written };
  for (const [index, child] of (children ?? []).entries()) {
    for (const { name, written } of mutations(child, `${at}.${index}`)) {
      const parts = (children ?? []).map((one, place) => place === index ? written : write(one));
      yield { name, written: tagged(tag, ...parts) };
    }
  }
}

function turned(contents: Uint8Array, at: number): Uint8Array {
  return contents.map((octet, index) => index === at ? octet ^ 1 : octet);
}

function write({ tag, contents }: Node): Uint8Array<ArrayBuffer> {
  return tagged(tag, contents);
}

/** The elements of these octets; `undefined` where they are invalid. */
function nodesOf(octets: Uint8Array): readonly Node[] | undefined {
  const nodes: Node[] = [];
  for (let at = 0; at < octets.length;) {
    const [tag = 0, first = 0xff] = octets.subarray(at);
    const longer = first < 0x80 ? 0 : first & 0x7f;
    if (longer > 2) return undefined;
    const length = longer === 0
      ? first
      : octets.subarray(at + 2, at + 2 + longer).reduce((sum, octet) => sum * 256 + octet, 0);
    const begins = at + 2 + longer;
    const ends = begins + length;
    if (ends > octets.length) return undefined;
    const contents = octets.slice(begins, ends);
    const nests = (tag & CONSTRUCTED) !== 0 || tag === OCTET_STRING;
    nodes.push({ tag, contents, children: nests ? nodesOf(contents) : undefined });
    at = ends;
  }
  return nodes;
}
