// A TLS server under Node. Its configuration comes as JSON on standard input, what happens goes to standard output.
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import tls from "node:tls";

const config = JSON.parse(readFileSync(0, "utf8"));
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const options = {
  cert: config.cert,
  key: config.key,
  ca: config.ca,
  requestCert: config.requestCert ?? false,
  rejectUnauthorized: config.rejectUnauthorized ?? false,
  ALPNProtocols: config.alpn ?? ["h2"],
  minVersion: config.minVersion,
  maxVersion: config.maxVersion,
};
const server = config.http2
  ? createSecureServer(options, (_request, response) => response.end())
  : tls.createServer(options, watch);
server.prependListener("secureConnection", (socket) => {
  tell({
    event: "secure",
    authorized: socket.authorized,
    why: socket.authorizationError ?? null,
    resumed: socket.isSessionReused(),
    shown: socket.getPeerX509Certificate()?.subject ?? null,
  });
});

function watch(socket) {
  socket.on("data", (bytes) => tell({ event: "data", bytes: bytes.length }));
  socket.on("error", (error) => tell({ event: "error", code: error.code }));
  socket.on("close", () => tell({ event: "close" }));
  if (config.answer) socket.once("data", () => socket.write(Buffer.from(config.answer, "base64")));
  if (config.hangUp) socket.destroy();
}

server.on("tlsClientError", (error) => tell({ event: "refused", code: error.code }));
server.listen(0, "127.0.0.1", () => tell({ event: "listening", port: server.address().port }));
