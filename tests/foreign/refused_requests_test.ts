import { NODE } from "./node_program.ts";
import { pythonWithHttpx } from "./python_with_httpx.ts";
import { testRefusedClient } from "./refused_clients.ts";
import { refusedBy, refusedProgram } from "./refused_requests.ts";
import { findTool } from "./tool.ts";

const REQUEST = '{"text":"let me in"}';
const CURL = { name: "curl", path: findTool("curl") };

// Neither the code of the GOAWAY nor its debug data: 7.88.1 says (18), others (16), (56) or (92).
const curlText = /curl: \((?:16|18|56|92)\) /;
testRefusedClient(
  "curl",
  refusedProgram(CURL.path ?? "", ({ url, files }) => [
    ...["--http2", "--silent", "--show-error", "--max-time", "30"],
    ...["--cacert", files.path("ca.pem"), "--cert", files.path("cert.pem")],
    ...["--key", files.path("key.pem"), "--header", "content-type: application/json"],
    ...["--data", REQUEST, url],
  ]),
  { notAllowed: curlText, foreign: curlText },
  CURL,
);

// The event `goaway` has the debug data, and the error of a request has the code.
const READ_FILES = `
import { readFileSync } from "node:fs";
const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(name));
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
  {
    notAllowed: /goaway {"refused":"subject-not-allowed"}[^]*Session closed with error code 12/,
    foreign: /goaway {"refused":"untrusted-authority"}[^]*Session closed with error code 12/,
  },
);

// It speaks HTTP/1.1 alone and names no protocol in its handshake: the connection ends, whoever it is.
const noHttp1 = /ECONNRESET|EPIPE/;
testRefusedClient(
  "Node https",
  nodeScript(`
import { request } from "node:https";
const sent = request(url, { method: "POST", ca, cert, key }, () => process.exit(0));
sent.on("error", fail);
sent.end(body);
`),
  { notAllowed: noHttp1, foreign: noHttp1 },
);

// The cause had the word when the GOAWAY came in the first flight.
const fetchText =
  /TypeError: .*(?:stream closed because of a broken pipe|INADEQUATE_SECURITY|GOAWAY)/i;
testRefusedClient(
  "fetch of Deno",
  (config) => {
    const { ca, cert, key, port } = config;
    const client = Deno.createHttpClient({ caCerts: [ca], cert, key, http1: false });
    const url = `https://127.0.0.1:${port}/selvage.test.v1.EchoService/Echo`;
    const call = () => fetch(url, { client, method: "POST", body: REQUEST });
    const resource = { [Symbol.asyncDispose]: () => Promise.resolve(client.close()) };
    return Promise.resolve(refusedBy(call, resource));
  },
  { notAllowed: fetchText, foreign: fetchText },
);

// The first 20 bytes of the debug data, in hexadecimal: enough to read the first letters of the word.
const hex = (text: string) => Array.from(text, (one) => one.charCodeAt(0).toString(16)).join("");
testRefusedClient(
  "httpx",
  refusedProgram(pythonWithHttpx.path ?? "", ({ url }) => [
    "-c",
    `
import ssl, sys, httpx
context = ssl.create_default_context(cafile="ca.pem")
context.load_cert_chain("cert.pem", "key.pem")
with httpx.Client(http1=False, http2=True, verify=context, timeout=30) as client:
    client.post(sys.argv[1], content=sys.argv[2])
`,
    url,
    REQUEST,
  ]),
  {
    notAllowed: new RegExp(`ConnectionTerminated error_code:12.*${hex('{"refused":"subj')}`),
    foreign: new RegExp(`ConnectionTerminated error_code:12.*${hex('{"refused":"untr')}`),
  },
  pythonWithHttpx,
);

function nodeScript(source: string) {
  return refusedProgram(NODE.path ?? "", ({ url }) => [
    ...["--input-type=module", "-e", READ_FILES + source, url, REQUEST],
  ]);
}
