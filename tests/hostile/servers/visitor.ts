import { HpackDecoder } from "../../../src/http2/hpack/mod.ts";
import { CODES, data, Flag, headers, literals, PREFACE, settings, Type } from "../frames.ts";
import { type Manners, RawPeer } from "../raw_peer.ts";
import type { Wire } from "../wire.ts";
import { answer } from "./response_frames.ts";

/** The routine by which a dispatcher falls into the trap. */
export const TRAP = "trap.spring";
/** The same, answered in items. */
export const TRAP_ITEMS = "trap.items";
/** The routine that is answered as it should be. */
export const HONEST = "trap.honest";

/** The method of a service by which a client of one falls into it. */
export const TRAP_SERVICE = "/grpc.health.v1.Health/Check";
const DESCRIBE = "/selvage.v1.WorkerService/Describe";

/** What a dispatcher has asked on a stream. */
interface Asked {
  routine: string;
  whole: boolean;
  octets: number;
  reset?: string;
}

/** Answers, on a stream, who the server is that listens at an address. */
export type Describe = (visitor: Visitor, streamId: number, address: string) => Promise<void>;

/** Does not say. */
export const unsaid: Describe = (visitor, streamId) =>
  visitor.send(headers(streamId, literals([":status", "404"]), true));

/** A dispatcher that has connected to a hostile server, as that server sees it. */
export class Visitor extends RawPeer {
  readonly #describe: Describe;
  readonly #address: string;
  readonly #decoder = new HpackDecoder(64 * 1024);
  readonly #asked = new Map<number, Asked>();

  /**
   * @param manners what it is answered besides its calls.
   * @param describe what it is answered when it asks whom it has connected to at `address`.
   */
  constructor(wire: Wire, manners: Manners, describe: Describe, address: string) {
    super(wire, manners, PREFACE.length);
    this.#describe = describe;
    this.#address = address;
  }

  /** Begins as a server should. */
  async greet(...pairs: readonly (readonly [number, number])[]): Promise<void> {
    await this.send(settings(...pairs));
  }

  /** Waits for a call that falls into the trap, all of it, and gives the id of its stream. */
  async call(): Promise<number> {
    return await this.#find(TRAP, ({ whole }) => whole);
  }

  /** Waits for a call that is to be answered in items; the dispatcher may still send. */
  async itemsCall(): Promise<number> {
    return await this.#find(TRAP_ITEMS, ({ octets }) => octets > 0);
  }

  /** Waits for a client of a service that falls into it. */
  async serviceCall(): Promise<number> {
    return await this.#find(TRAP_SERVICE, ({ whole }) => whole);
  }

  /** Waits for the beginning of a call, whose rest is not waited for. */
  async beginning(): Promise<number> {
    return await this.#find(TRAP, () => true);
  }

  /** Whether a stream or its connection is over. */
  hasEnded(streamId: number): boolean {
    return this.over || this.#asked.get(streamId)?.reset !== undefined;
  }

  /** How the dispatcher ends a stream: by RST_STREAM, or with the connection. */
  async ending(streamId: number): Promise<string> {
    await this.until(() => this.hasEnded(streamId));
    return this.#asked.get(streamId)?.reset ?? await this.verdict();
  }

  /** How the dispatcher has ended a stream by the time it has read everything. */
  async ended(streamId: number): Promise<string> {
    await this.heard();
    if (this.over) return await this.verdict();
    return this.#asked.get(streamId)?.reset ?? "nothing";
  }

  protected override frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Uint8Array,
  ): void {
    switch (type) {
      case Type.HEADERS: {
        const { fields } = this.#decoder.decode(payload, 0, payload.length);
        this.#begin(streamId, fields);
        break;
      }
      case Type.DATA:
        this.#of(streamId).octets += payload.length;
        break;
      case Type.RST_STREAM: {
        const code = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
        this.#of(streamId).reset ??= `RST_STREAM ${CODES[code]}`;
        return;
      }
      default:
        return;
    }
    if ((flags & Flag.END_STREAM) !== 0) this.#whole(streamId);
  }

  /** A worker is asked who it is before it is called. */
  #begin(streamId: number, fields: readonly string[]): void {
    const path = valueOf(fields, ":path");
    const routine = valueOf(fields, "selvage-routine") ?? path ?? "";
    this.#asked.set(streamId, { routine, whole: false, octets: 0 });
    if (path === DESCRIBE) void this.#describe(this, streamId, this.#address);
  }

  #whole(streamId: number): void {
    const asked = this.#of(streamId);
    asked.whole = true;
    if (asked.routine === HONEST) void this.send(answer(streamId, "honest"));
  }

  #of(streamId: number): Asked {
    const asked = this.#asked.get(streamId);
    if (asked === undefined) throw new Error(`the dispatcher never opened stream ${streamId}`);
    return asked;
  }

  async #find(routine: string, ready: (asked: Asked) => boolean): Promise<number> {
    const find = () =>
      this.#asked.entries().find(([, asked]) => asked.routine === routine && ready(asked))?.[0];
    await this.until(() => this.over || find() !== undefined);
    const id = find();
    if (id === undefined) {
      throw new Error(`the dispatcher left without a call: ${await this.verdict()}`);
    }
    return id;
  }
}

function valueOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.indexOf(name);
  return at < 0 ? undefined : fields[at + 1];
}

/** DATA of one write. */
const CHUNK_BYTES = 16_384;

/** Sends a body in frames, no faster than it is read, and ends its stream. */
export async function inFrames(visitor: Visitor, id: number, body: Uint8Array): Promise<void> {
  for (let at = 0; at < body.length && !visitor.over; at += CHUNK_BYTES) {
    await visitor.send(data(id, body.subarray(at, at + CHUNK_BYTES), false));
    // A reader gives credit for what was read.
    await visitor.heard();
  }
  await visitor.send(data(id, new Uint8Array(0), true));
}
