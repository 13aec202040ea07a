// HTTP/2 servers under Node. Their configuration comes as JSON on standard input, what happens goes to standard output.
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";

const { listeners } = JSON.parse(readFileSync(0, "utf8"));
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const ports = {};
for (const { name, cert, key, ca, client, minVersion, maxVersion, alpn } of listeners) {
  const options = {
    cert,
    key,
    ca,
    requestCert: client,
    rejectUnauthorized: client,
    minVersion,
    maxVersion,
  };
  // An HTTP/2 server of Node offers h2 whatever its settings.
  const server = alpn === undefined
    ? http2.createSecureServer(options)
    : https.createServer({ ...options, ALPNProtocols: alpn });
  server.on("request", (_request, response) => response.writeHead(404).end());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  ports[name] = server.address().port;
}
tell({ event: "listening", ports });
