import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server } from "node:net";
import * as packet from "dns-packet";

/** What the server does with a question. */
export type NameServerAnswer =
  /** Records as `dns-packet` writes them; none is NODATA. */
  | {
    readonly records: readonly object[];
    /** Over UDP without records, or `"within"` one, as servers cut that do not look where. */
    readonly truncated?: boolean | "within";
  }
  | { readonly code: "NXDOMAIN" | "SERVFAIL" | "REFUSED" }
  /** Nothing: the question is lost. */
  | "silence";

/** A name server on loopback that answers as a test says, over UDP and TCP. */
export class TestNameServer implements AsyncDisposable {
  /** The questions so far, `TYPE NAME` and how they came. */
  readonly asked: string[] = [];
  /** What is answered, by type and name; anything else does not exist. */
  readonly zone = new Map<string, NameServerAnswer>();
  readonly #udp: Socket = createSocket("udp4");
  readonly #tcp: Server;

  private constructor() {
    this.#udp.on("message", (bytes, { port, address }) => {
      const answer = this.#answer(bytes, "udp");
      if (answer !== undefined) this.#udp.send(answer, port, address);
    });
    this.#tcp = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        const answer = this.#answer(bytes.subarray(2), "tcp");
        if (answer === undefined) return;
        const length = Buffer.from([answer.length >> 8, answer.length & 0xff]);
        // In pieces, as a network may deliver it.
        socket.write(Buffer.concat([length, answer.subarray(0, 10)]));
        socket.write(answer.subarray(10));
      });
    });
  }

  /** Listens on a free port, the same for both. */
  static async open(): Promise<TestNameServer> {
    const server = new TestNameServer();
    await new Promise<void>((resolve) => server.#tcp.listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => server.#udp.bind(server.#port, "127.0.0.1", resolve));
    return server;
  }

  /** Where it listens, as `ns=` takes it. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get #port(): number {
    return (this.#tcp.address() as { port: number }).port;
  }

  #answer(bytes: Uint8Array, over: "udp" | "tcp"): Buffer | undefined {
    const { id, questions = [] } = packet.decode(Buffer.from(bytes));
    const [{ type, name } = { type: "?", name: "?" }] = questions;
    this.asked.push(`${type} ${name} ${over}`);
    const answer = this.zone.get(`${type} ${name}`) ?? { code: "NXDOMAIN" };
    if (answer === "silence") return undefined;
    const { records, code, truncated } = {
      records: [],
      code: "NOERROR",
      truncated: false,
      ...answer,
    };
    const cut = truncated !== false && over === "udp";
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (CODES[code] ?? 0) |
      (cut ? packet.TRUNCATED_RESPONSE : 0);
    const response = Buffer.from(packet.encode({
      type: "response",
      id,
      flags,
      questions,
      answers: cut && truncated !== "within" ? [] : records,
    } as never));
    return cut && truncated === "within" ? response.subarray(0, -7) : response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }
}

const CODES: Readonly<Record<string, number>> = {
  NOERROR: 0,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  REFUSED: 5,
};
