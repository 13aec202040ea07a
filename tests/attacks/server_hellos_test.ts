/** A dispatcher names what it has against a server's first message, which it says in the clear (RFC 8446 §4.1.3). */
import assert from "node:assert/strict";
import { alertInClear } from "../../src/channel/tls/tls_alert.ts";
import type { HandshakeReason } from "../../src/errors/mod.ts";
import { dialAs, handshakeErrorOf } from "../support/peers.ts";
import {
  CONTENT,
  encryptedExtensions,
  helloRetryRequest,
  joined,
  makeKeyShare,
  MESSAGE,
  message,
  type Octets,
  readClientHello,
  readHello,
  RecordLayer,
  serverHello,
} from "../support/raw_tls/mod.ts";
import { authorities, flawless } from "./raw_attack.ts";

const client = { certificate: flawless.client, trusts: [authorities.root] };

type Hello = (sessionId: Octets, share: Octets) => Octets;

/** An honest one but for one place. */
const changed = (from: string, to: string): Hello => (sessionId, share) =>
  Uint8Array.fromHex(serverHello(sessionId, share).toHex().replace(from, to));

const HELLOS: readonly (readonly [string, Hello, HandshakeReason, string])[] = [
  ["TLS 1.2", changed("002b00020304", "002b00020303"), "protocol-mismatch", "protocol_version"],
  [
    "an unknown TLS",
    changed("002b00020304", "002b00027f1c"),
    "protocol-mismatch",
    "protocol_version",
  ],
  [
    "a suite that was not offered",
    changed("1301", "13ff"),
    "protocol-mismatch",
    "handshake_failure",
  ],
  ["another group", changed("001d0020", "00170020"), "tls-alert", "illegal_parameter"],
  [
    "half a hello",
    (sessionId, share) => message(MESSAGE.serverHello, serverHello(sessionId, share).slice(4, 60)),
    "tls-alert",
    "decode_error",
  ],
  ["its extensions first", () => encryptedExtensions(), "tls-alert", "unexpected_message"],
  [
    "a request for nothing else",
    (sessionId) => helloRetryRequest(sessionId, {}),
    "tls-alert",
    "illegal_parameter",
  ],
];

for (const [what, hello, reason, alert] of HELLOS) {
  Deno.test(`a dispatcher names a server that answers with ${what}, and says so to it`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const heard = answerOnce(listener, hello);
    const address = { kind: "tcp", host: "127.0.0.1", port: listener.addr.port } as const;
    const error = await handshakeErrorOf(dialAs(client, address));
    assert.deepEqual([error.reason, error.side, error.evidence.alert], [
      reason,
      "dispatcher",
      alert,
    ]);
    assert.equal(await heard, alert);
  });
}

/** Answers the next client's hello, and resolves with the alert that it sends then. */
async function answerOnce(listener: Deno.TcpListener, hello: Hello): Promise<string | undefined> {
  using connection = await listener.accept();
  const records = new RecordLayer(connection);
  const { sessionId } = readClientHello((await readHello(records, MESSAGE.clientHello)).body);
  await records.write(CONTENT.handshake, hello(sessionId, (await makeKeyShare()).share));
  await records.send();
  const { type = 0, content = new Uint8Array(0) } = await records.read() ?? {};
  return alertInClear(joined(Uint8Array.of(type, 3, 3, 0, content.length), content));
}
