/**
 * As much of TLS 1.2 (RFC 5246, RFC 8422) as lies before its first protected record, which is all that shows whether
 * the other end asks for a proof of a certificate's key: ECDHE over x25519, ECDSA over P-256, ALPN h2.
 */
import { alertInClear } from "../../../src/channel/tls/tls_alert.ts";
import { extension } from "./hello.ts";
import { makeKeyShare, X25519 } from "./key_share.ts";
import { MESSAGE, type Message, message, MessageAssembly } from "./message.ts";
import { ascii, joined, OctetReader, type Octets, uint, vector } from "./octets.ts";
import { RecordLayer } from "./record_layer.ts";
import { CONTENT, recordHeader } from "./record_protection.ts";

/** Messages that only TLS 1.2 has (RFC 5246 §7.4). */
export const MESSAGE_1_2 = {
  serverKeyExchange: 12,
  serverHelloDone: 14,
  clientKeyExchange: 16,
} as const;

const TLS_1_2 = 0x0303;
/** TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256. */
const CIPHER_SUITE = 0xc02b;
const ECDSA_SECP256R1_SHA256 = 0x0403;
/** RFC 5746 §3.2 and RFC 7627 §5.1: not a renegotiation; a master secret of the whole handshake. */
const HELLO_EXTENSIONS = joined(extension(0xff01, vector(1)), extension(23));
const ALPN = extension(16, vector(2, vector(1, ascii("h2"))));

/** What the other end has said behind the hellos. */
export interface Heard12 {
  /** Types of its handshake messages, in order. */
  readonly messages: readonly number[];
  /** Its alerts, by name. */
  readonly alerts: readonly string[];
  /** Whether it sent application data. */
  readonly application: boolean;
}

/** One end of a handshake in the clear. */
export class Tls12Peer implements Disposable {
  /** Every message so far. */
  transcript: Octets = new Uint8Array(0);
  /** The random octets of client and server, which a server signs with its key share. */
  randoms: Octets = new Uint8Array(0);
  readonly #records: RecordLayer;
  readonly #assembly = new MessageAssembly();

  constructor(connection: Deno.TcpConn) {
    this.#records = new RecordLayer(connection);
  }

  /** Writes messages, which are sent off together. */
  async write(...messages: readonly Octets[]): Promise<void> {
    for (const one of messages) {
      this.transcript = joined(this.transcript, one);
      await this.#records.write(CONTENT.handshake, one);
    }
  }

  /** Sends off what was written. */
  async send(): Promise<void> {
    await this.#records.send();
  }

  /** Announces protected records, and sends one that opens under no key. */
  async finish(): Promise<void> {
    await this.#records.write(CONTENT.changeCipherSpec, uint(1, 1));
    await this.#records.write(CONTENT.handshake, new Uint8Array(40).fill(7));
    await this.send();
  }

  /** Reads messages up to one of a type. */
  async until(type: number): Promise<Message> {
    for (;;) {
      const record = await this.#records.read();
      if (record?.type !== CONTENT.handshake) {
        throw new TypeError(`no message ${type}: ${record?.type} ${record?.content.toHex()}`);
      }
      for (const one of this.#assembly.add(record.content)) {
        this.transcript = joined(this.transcript, one.octets);
        if (one.type === type) return one;
      }
    }
  }

  /** Reads to the end of the connection. */
  async heard(): Promise<Heard12> {
    const messages: number[] = [];
    const alerts: string[] = [];
    let application = false;
    for (;;) {
      // Application data is protected, and there is no key to open it with.
      const record = await this.#records.read().catch(() => void (application = true));
      if (record === undefined) return { messages, alerts, application };
      const { type, content } = record;
      if (type === CONTENT.alert) {
        alerts.push(alertInClear(joined(recordHeader(type, 2), content)) ?? "alert");
        this.#records.close();
      } else for (const one of this.#assembly.add(content)) messages.push(one.type);
    }
  }

  [Symbol.dispose](): void {
    this.#records.close();
  }
}

/** Connects as a client, and reads what the server says up to where the client's certificate is due. */
export async function connectTls12(address: Deno.ConnectOptions): Promise<Tls12Peer> {
  const peer = new Tls12Peer(await Deno.connect(address));
  await peer.write(message(
    MESSAGE.clientHello,
    uint(TLS_1_2, 2),
    crypto.getRandomValues(new Uint8Array(32)),
    vector(1),
    vector(2, uint(CIPHER_SUITE, 2)),
    vector(1, uint(0, 1)),
    vector(
      2,
      extension(10, vector(2, uint(X25519, 2))),
      extension(11, vector(1, uint(0, 1))),
      extension(13, vector(2, uint(ECDSA_SECP256R1_SHA256, 2))),
      ALPN,
      HELLO_EXTENSIONS,
    ),
  ));
  await peer.send();
  await peer.until(MESSAGE_1_2.serverHelloDone);
  return peer;
}

/** Listens as a server; each client is answered by `act`, once its hello is read and answered. */
export function listenTls12(act: (peer: Tls12Peer) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clients: Promise<Heard12>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) clients.push(serve(new Tls12Peer(connection), act));
  })();
  return {
    address: { kind: "tcp", host: "127.0.0.1", port: listener.addr.port } as const,
    /** Takes no more clients, and reports what each has said. */
    async heard(): Promise<readonly Heard12[]> {
      listener.close();
      await accepting;
      return await Promise.all(clients);
    },
  };
}

async function serve(peer: Tls12Peer, act: (peer: Tls12Peer) => Promise<void>): Promise<Heard12> {
  using _ending = peer;
  const hello = new OctetReader((await peer.until(MESSAGE.clientHello)).body);
  hello.take(2);
  const theirs = hello.take(32);
  const ours = crypto.getRandomValues(new Uint8Array(32));
  peer.randoms = joined(theirs, ours);
  await peer.write(message(
    MESSAGE.serverHello,
    uint(TLS_1_2, 2),
    ours,
    vector(1),
    uint(CIPHER_SUITE, 2),
    uint(0, 1),
    vector(2, ALPN, HELLO_EXTENSIONS),
  ));
  await act(peer);
  await peer.send();
  return await peer.heard();
}

/** The message that carries certificates, leaf first. */
export function certificates12(...ders: readonly Uint8Array[]): Octets {
  return message(MESSAGE.certificate, vector(3, ...ders.map((der) => vector(3, der))));
}

/** The client's key share. */
export async function clientKeyExchange(): Promise<Octets> {
  const { share } = await makeKeyShare();
  return message(MESSAGE_1_2.clientKeyExchange, vector(1, share));
}

/** The server's key share as it is signed: a named curve and a point. */
export async function serverParameters(): Promise<Octets> {
  const { share } = await makeKeyShare();
  return joined(uint(3, 1), uint(X25519, 2), vector(1, share));
}

/** A signature as both proofs carry it. */
export function signed(signature: Octets, scheme = ECDSA_SECP256R1_SHA256): Octets {
  return joined(uint(scheme, 2), vector(2, signature));
}

/** What asks a client for a certificate, and the end of the server's flight. */
export function askAndEnd(): readonly Octets[] {
  const request = message(
    MESSAGE.certificateRequest,
    vector(1, uint(64, 1)),
    vector(2, uint(ECDSA_SECP256R1_SHA256, 2)),
    vector(2),
  );
  return [request, message(MESSAGE_1_2.serverHelloDone)];
}
