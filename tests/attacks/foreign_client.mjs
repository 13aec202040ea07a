// A TLS client under Node. Its configuration comes as JSON on standard input, what happens goes to standard output.
import { readFileSync } from "node:fs";
import tls from "node:tls";

const config = JSON.parse(readFileSync(0, "utf8"));
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/** Connects once; resolves with the last ticket when the connection is over. */
function connect(session, given) {
  return new Promise((resolve) => {
    let ticket = session;
    const socket = tls.connect({
      host: "127.0.0.1",
      port: given.port,
      ca: config.ca,
      cert: given.cert,
      key: given.key,
      rejectUnauthorized: config.rejectUnauthorized ?? false,
      checkServerIdentity: () => undefined,
      servername: "worker.pool.internal",
      ALPNProtocols: given.alpn ?? ["h2"],
      minVersion: given.minVersion,
      maxVersion: given.maxVersion,
      session,
    });
    socket.on("secureConnect", () => {
      tell({ event: "secure", protocol: socket.getProtocol(), resumed: socket.isSessionReused() });
      if (given.send) socket.write(Buffer.from(given.send, "base64"));
      if (given.flood) flood(socket, given.flood);
    });
    socket.on("session", (received) => ticket = received);
    socket.on("data", (bytes) => {
      tell({ event: "data", hex: bytes.toString("hex") });
      if (given.leaveOnData) socket.end();
    });
    // A handshake that ends with an alert is not always followed by `close`.
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      tell({ event: "close" });
      resolve(ticket);
    };
    socket.on("error", (error) => {
      tell({ event: "error", code: error.code });
      end();
    });
    socket.on("close", end);
  });
}

/** Sends and never looks at what comes back. */
function flood(socket, bytes) {
  const chunk = Buffer.alloc(64 * 1024, 0x41);
  let left = bytes;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= chunk.length;
      if (!socket.write(chunk)) return socket.once("drain", more);
    }
  };
  more();
}

let session;
for (const step of config.steps) {
  // With `until`, again and again until one was begun after that moment.
  let begun;
  do {
    begun = Date.now();
    const ticket = await connect(step.resume ? session : undefined, { ...config, ...step });
    if (ticket !== undefined) session = ticket;
  } while (begun < (step.until ?? begun));
}
