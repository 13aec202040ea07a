import { NODE } from "../node_program.ts";
import { findTool } from "../tool.ts";
import { testRefusedClient } from "./refused_client.ts";
import { refusedBy, refusedProgram } from "./refused_program.ts";

const REQUEST = '{"text":"let me in"}';
const CURL = { name: "curl", path: findTool("curl") };

// Neither the code of the GOAWAY nor its debug data: 7.88.1 says (18), others (16), (56) or (92).
testRefusedClient(
  "curl",
  refusedProgram(CURL.path ?? "", ({ url, hasCertificate }) => [
    ...["--http2", "--silent", "--show-error", "--max-time", "60", "--cacert", "ca.pem"],
    ...(hasCertificate ? ["--cert", "cert.pem", "--key", "key.pem"] : []),
    ...["--header", "content-type: application/json", "--data", REQUEST, url],
  ]),
  () => /curl: \((?:16|18|56|92)\) /,
  { tool: CURL },
);

// The event `goaway` has the debug data, and the error of a request has the code.
const READ_FILES = `
import { existsSync, readFileSync } from "node:fs";
const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) =>
  existsSync(name) ? readFileSync(name) : undefined
);
const url = new URL(process.argv[1]);
const body = process.argv[2];
const fail = (error) => { console.log(error.code, error.message); process.exit(1); };
`;
testRefusedClient(
  "Node http2",
  nodeScript(`
import { connect } from "node:http2";
const session = connect(url.origin, { ca, cert, key });
session.on("goaway", (code, last, data) => console.log("goaway", String(data)));
session.on("error", () => {});
const stream = session.request({ ":method": "POST", ":path": url.pathname });
stream.on("error", (error) => setImmediate(fail, error));
stream.on("response", () => process.exit(0));
stream.end(body);
`),
  (word) => new RegExp(`goaway {"refused":"${word}"}[^]*Session closed with error code 12`),
);

// It speaks HTTP/1.1 alone and names no protocol in its handshake: the connection ends, whatever its certificate.
testRefusedClient(
  "Node https",
  nodeScript(`
import { request } from "node:https";
const sent = request(url, { method: "POST", ca, cert, key }, () => process.exit(0));
sent.on("error", fail);
sent.end(body);
`),
  () => /ECONNRESET|EPIPE/,
  { reason: "protocol-mismatch" },
);

// The cause had the word when the GOAWAY came in the first flight.
testRefusedClient(
  "fetch of Deno",
  ({ ca, cert, key, port }) => {
    const own = cert === undefined || key === undefined ? {} : { cert, key };
    const client = Deno.createHttpClient({ caCerts: [ca], ...own, http1: false });
    const url = `https://127.0.0.1:${port}/selvage.test.v1.EchoService/Echo`;
    const call = () => fetch(url, { client, method: "POST", body: REQUEST });
    const resource = { [Symbol.asyncDispose]: () => Promise.resolve(client.close()) };
    return Promise.resolve(refusedBy(call, resource));
  },
  () => /TypeError: .*(?:stream closed because of a broken pipe|INADEQUATE_SECURITY|GOAWAY)/i,
);

// It ends with 0 and says only that the request was not processed.
const NGHTTP = { name: "nghttp", path: findTool("nghttp") };
testRefusedClient(
  "nghttp",
  refusedProgram("sh", ({ url, hasCertificate }) => [
    "-c",
    '"$@"; exit 1',
    ...["sh", NGHTTP.path ?? "", "--no-verify-peer", "--timeout=60"],
    ...(hasCertificate ? ["--cert=cert.pem", "--key=key.pem"] : []),
    url,
  ]),
  () => /Some requests were not processed\. total=1, processed=0/,
  { tool: NGHTTP },
);

function nodeScript(source: string) {
  return refusedProgram(NODE.path ?? "", ({ url }) => [
    ...["--input-type=module", "-e", READ_FILES + source, url, REQUEST],
  ]);
}
