import { HpackDecoder } from "../../src/http2/hpack/mod.ts";
import {
  CODES,
  data,
  Flag,
  headers,
  join,
  literals,
  PREFACE,
  settings,
  text,
  Type,
  windowUpdate,
} from "./frames.ts";
import { RawPeer } from "./raw_peer.ts";
import { connWire } from "./wire.ts";

/** A worker to attack: plain values, so that another thread can be given it. */
export interface Target {
  readonly port: number;
  /** The unix socket to connect to instead. */
  readonly path?: string;
  /** What the attacker shows, and whom it trusts. Default: plaintext. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** How an attacker behaves where it behaves. */
export interface Greeting {
  /** What it announces. Default: nothing. */
  readonly settings?: readonly (readonly [number, number])[];
  /** Whether it acknowledges the worker's SETTINGS and answers its PINGs. Default: `true`. */
  readonly polite?: boolean;
}

/** The header section of a call. */
export const CALL: readonly string[] = [
  ":method",
  "POST",
  ":scheme",
  "https",
  ":authority",
  "worker.test",
  ":path",
  "/selvage.v1.WorkerService/Call",
  "content-type",
  "application/json",
];

/** The header section of a call that is answered with a stream. */
export const STREAM: readonly string[] = CALL.map((value) =>
  value.endsWith("/Call") ? "/selvage.v1.WorkerService/Stream" : value
).with(-1, "application/connect+json");

/** Room for all that is asked for. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024 * 1024;

/** What the worker has answered on a stream. */
interface Answered {
  status?: string;
  reset?: string;
  ended: boolean;
}

/** One end of a connection to a worker, which sends whatever it likes. */
export class Attacker extends RawPeer {
  readonly #decoder = new HpackDecoder(64 * 1024);
  readonly #streams = new Map<number, Answered>();

  /** Connects, and says nothing yet. */
  static async connect(target: Target, polite = false): Promise<Attacker> {
    return new Attacker(connWire(await connected(target)), polite ? "polite" : "none");
  }

  /** Connects, and begins as a client should. */
  static async greet(target: Target, greeting: Greeting = {}): Promise<Attacker> {
    const { polite = true } = greeting;
    const attacker = await Attacker.connect(target, polite);
    await attacker.send(
      PREFACE,
      settings(...(greeting.settings ?? [])),
      windowUpdate(0, CONNECTION_WINDOW_BYTES),
    );
    // The acknowledgement is no part of what follows.
    if (polite) await attacker.until(() => attacker.over || attacker.acknowledged);
    return attacker;
  }

  /** What the worker answers on a stream: a RST_STREAM, a status, or the end of the connection. */
  async answer(streamId: number): Promise<string> {
    await this.until(() => this.over || this.#isAnswered(streamId));
    const { reset, status } = this.#streams.get(streamId) ?? {};
    return status ?? reset ?? await this.verdict();
  }

  /** Waits until so many streams were answered, or the connection is over. */
  async answered(count: number): Promise<void> {
    await this.until(() =>
      this.over || this.#streams.values().filter(({ ended }) => ended).take(count).toArray()
          .length >= count
    );
  }

  /** Makes an honest call, and gives its status. */
  async call(streamId: number): Promise<string> {
    await this.send(callFrames(streamId, "hostile.echo", [streamId]));
    return await this.answer(streamId);
  }

  protected override frame(
    type: number,
    flags: number,
    streamId: number,
    payload: Uint8Array,
  ): void {
    switch (type) {
      case Type.RST_STREAM: {
        const stream = this.#stream(streamId);
        const code = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
        stream.reset ??= `RST_STREAM ${CODES[code]}`;
        stream.ended = true;
        return;
      }
      case Type.DATA:
        break;
      case Type.HEADERS: {
        const { fields } = this.#decoder.decode(payload, 0, payload.length);
        const status = fields[fields.indexOf(":status") + 1];
        if (status !== undefined) this.#stream(streamId).status ??= status;
        break;
      }
      default:
        return;
    }
    if ((flags & Flag.END_STREAM) !== 0) this.#stream(streamId).ended = true;
  }

  #stream(streamId: number): Answered {
    let stream = this.#streams.get(streamId);
    if (stream === undefined) this.#streams.set(streamId, stream = { ended: false });
    return stream;
  }

  #isAnswered(streamId: number): boolean {
    const { status, reset } = this.#streams.get(streamId) ?? {};
    return (status ?? reset) !== undefined;
  }
}

function connected({ port, path, tls }: Target): Promise<Deno.Conn> {
  if (path !== undefined) return Deno.connect({ transport: "unix", path });
  const address = { hostname: "127.0.0.1", port };
  if (tls === undefined) return Deno.connect(address);
  const { ca, cert, key } = tls;
  return Deno.connectTls({ ...address, caCerts: [ca], cert, key, alpnProtocols: ["h2"] });
}

/** A whole call of a routine, as any other language would make it. */
export function callFrames(
  streamId: number,
  routine: string,
  args: readonly unknown[],
): Uint8Array {
  return join(
    headers(streamId, literals(CALL), false),
    data(streamId, callBody(routine, args), true),
  );
}

/** The body of a call. */
export function callBody(routine: string, args: readonly unknown[]): Uint8Array {
  return text(JSON.stringify({ routine, arguments: { json: JSON.stringify(args) } }));
}
