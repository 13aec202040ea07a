import { clientHello, readServerHello } from "./hello.ts";
import { makeKeyShare, X25519 } from "./key_share.ts";
import { MESSAGE, type Message, MessageAssembly } from "./message.ts";
import { joined, type Octets } from "./octets.ts";
import { RawPeer } from "./raw_peer.ts";
import { RecordLayer } from "./record_layer.ts";
import { CONTENT } from "./record_protection.ts";

/** Connects as a client and listens until the server is finished; what the client says then is for the caller to write. */
export async function connectRaw(address: { host: string; port: number }): Promise<RawPeer> {
  const connection = await Deno.connect({ hostname: address.host, port: address.port });
  const records = new RecordLayer(connection);
  const { share, agree } = await makeKeyShare();
  const hello = clientHello([{ group: X25519, share }]);
  await records.write(CONTENT.handshake, hello);
  await records.send();
  const answer = await readHello(records, MESSAGE.serverHello);
  const shared = await agree(readServerHello(answer.body));
  const peer = await RawPeer.after(joined(hello, answer.octets), shared, "client", records);
  await peer.untilFinished();
  return peer;
}

/** Reads the hello of the other end, which is all that is sent in the clear. */
export async function readHello(records: RecordLayer, type: number): Promise<Message> {
  const assembly = new MessageAssembly();
  for (;;) {
    const record = await records.read();
    if (record?.type !== CONTENT.handshake) throw new TypeError(`no hello: ${shown(record)}`);
    for (const hello of assembly.add(record.content)) {
      if (hello.type === type) return hello;
      throw new TypeError(`message ${hello.type} in place of a hello`);
    }
  }
}

function shown(record: { type: number; content: Octets } | undefined): string {
  return record === undefined ? "it hung up" : `record ${record.type} ${record.content.toHex()}`;
}
