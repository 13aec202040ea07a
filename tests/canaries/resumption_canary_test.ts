/**
 * What the platform makes of resumed sessions today. Where one of these fails after an upgrade, see
 * `src/peer/judge.ts`, which takes no word of the platform on a resumed session, and
 * `src/peer/refused_sessions.ts`, which keeps a client from coming back with the same one for ever.
 */
import assert from "node:assert/strict";
import { createServer as createTcpServer } from "node:net";
import { createServer, type Server } from "node:tls";
import { ForeignProcess } from "../attacks/foreign_process.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const stranger = certificateShapes(authorities, CLIENT_ID)["foreign-authority"]();

/** What the platform said of a client. */
interface Said {
  readonly resumed: boolean;
  readonly authorized: boolean;
  /** When it said so, in milliseconds since the epoch. */
  readonly at: number;
}

/** A server of the platform with this authority; what it says of each client goes to `said`. */
function tlsServer(ca: TestCertificate, said: (of: Said) => void, strict = false): Server {
  return createServer({
    cert: worker.chainPem,
    key: worker.keyPem,
    ca: [ca.pem],
    requestCert: true,
    rejectUnauthorized: strict,
    ALPNProtocols: ["h2"],
  }, (socket) => {
    const { authorized } = socket;
    said({ authorized, resumed: socket.isSessionReused(), at: Date.now() });
    socket.on("error", () => {});
    socket.write("x");
    socket.resume();
  });
}

/** A server that listens, and all that it has said. */
interface Listening extends Disposable {
  readonly port: number;
  readonly said: readonly Said[];
}

/** Listens for the server that is `current` when a client comes. */
async function listening(
  make: (said: (of: Said) => void) => { readonly current: Server },
): Promise<Listening> {
  const said: Said[] = [];
  const servers = make((of) => said.push(of));
  const listener = createTcpServer((socket) => {
    socket.on("error", () => {});
    servers.current.emit("connection", socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const bound = listener.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    said,
    [Symbol.dispose]: () => void listener.close(),
  };
}

const serverWith = (ca: TestCertificate): Promise<Listening> =>
  listening((said) => ({ current: tlsServer(ca, said) }));

/** One connection of a Node client, or several. */
interface Step {
  readonly port: number;
  /** Whether it offers its last session. Default false. */
  readonly resume?: boolean;
  /** Connects again and again, until one was begun after that moment. Default: once. */
  readonly until?: number;
}

async function connectInTurn(
  certificate: TestCertificate,
  maxVersion: string,
  steps: readonly Step[],
): Promise<void> {
  await using peer = new ForeignProcess("foreign_client.mjs", {
    ca: root.pem,
    cert: certificate.chainPem,
    key: certificate.keyPem,
    maxVersion,
    steps: steps.map((step) => ({ ...step, leaveOnData: true })),
  });
  await peer.done();
}

const authorizedOf = ({ said }: Listening): boolean[] => said.map(({ authorized }) => authorized);

for (const version of ["TLSv1.3", "TLSv1.2"]) {
  Deno.test(`the platform calls a client authorized that resumes a session it had refused (${version})`, async () => {
    using server = await serverWith(root);
    const { port } = server;
    await connectInTurn(stranger, version, [{ port }, { port, resume: true }]);
    assert.deepEqual(authorizedOf(server), [false, true]);
  });

  Deno.test(`the platform resumes a session of another listener with another authority (${version})`, async () => {
    using other = await serverWith(foreign);
    using server = await serverWith(root);
    await connectInTurn(stranger, version, [
      { port: other.port },
      { port: server.port, resume: true },
    ]);
    assert.deepEqual([...authorizedOf(other), ...authorizedOf(server)], [true, true]);
  });

  Deno.test(`a strict server of the platform resumes a session after its authority was replaced (${version})`, async () => {
    using server = await listening((said) => {
      const after = tlsServer(root, said, true);
      const servers = {
        current: tlsServer(foreign, (of) => {
          said(of);
          servers.current = after;
        }, true),
      };
      return servers;
    });
    const { port } = server;
    // The last one, with a fresh handshake, is not heard of: its certificate is refused.
    await connectInTurn(stranger, version, [{ port }, { port, resume: true }, { port }]);
    assert.deepEqual(
      server.said.map(({ authorized, resumed }) => ({ authorized, resumed })),
      [{ authorized: true, resumed: false }, { authorized: true, resumed: true }],
    );
  });

  Deno.test(`the platform resumes a session after its certificate has expired (${version})`, async () => {
    // The platform's clock cannot be set. Where this machine is too slow for a life, the next is longer.
    for (let life = 2000;; life *= 4) {
      const notAfter = Math.floor((Date.now() + life) / 1000) * 1000;
      // The second of `notAfter` is still valid.
      const expired = notAfter + 1000;
      const brief = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root, notAfter });
      using server = await serverWith(root);
      const { port } = server;
      await connectInTurn(brief, version, [{ port }, { port, resume: true, until: expired }, {
        port,
      }]);
      if (server.said[0]?.authorized !== true && life < 60_000) continue;
      const [resumed, fresh] = server.said.slice(-2);
      assert.ok(resumed !== undefined && resumed.at >= expired);
      assert.deepEqual([resumed.resumed, resumed.authorized], [true, true]);
      assert.deepEqual([fresh?.resumed, fresh?.authorized], [false, false]);
      break;
    }
  });
}
