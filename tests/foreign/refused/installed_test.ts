import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { builtClient, pythonWith } from "../installed_client.ts";
import { findTool, type Tool } from "../tool.ts";
import {
  type RefusedClientOptions,
  type RefusedText,
  testRefusedClient,
} from "./refused_client.ts";
import { refusedProgram } from "./refused_program.ts";

// The first 20 bytes of the debug data, in hexadecimal: enough to read the first letters of the word.
const hex = (text: string) => new TextEncoder().encode(text).toHex();
const httpx = pythonWith("httpx", "h2");
testRefusedClient(
  "httpx",
  refusedProgram(httpx.path ?? "", ({ url, hasCertificate }) => [
    "-c",
    `
import ssl, sys, httpx
context = ssl.create_default_context(cafile="ca.pem")
${hasCertificate ? 'context.load_cert_chain("cert.pem", "key.pem")' : ""}
with httpx.Client(http1=False, http2=True, verify=context, timeout=60) as client:
    client.post(sys.argv[1], content="{}")
`,
    url,
  ]),
  (word) =>
    new RegExp(
      `ConnectionTerminated error_code:12.*${hex(`{"refused":"${word}`.slice(0, 20))}`,
    ),
  { tool: httpx },
);

const grpcio = pythonWith("grpc");
testGrpcClient(
  "grpcio",
  [grpcio.path ?? "", fileURLToPath(new URL("grpcio_client.py", import.meta.url))],
  (word) =>
    new RegExp(
      `UNAVAILABLE Stream removed .*GOAWAY received; Error code: 12; Debug Text: ${json(word)}`,
    ),
  { tool: grpcio },
);

const java: Tool = findTool("java") === undefined
  ? { name: "java", path: undefined }
  : builtClient("grpc-java", "java/RefusedClient.class");
const javaFolder = dirname(java.path ?? "");
testGrpcClient(
  "grpc-java",
  [findTool("java") ?? "", "-cp", `${javaFolder}:${javaFolder}/*`, "RefusedClient"],
  (word) =>
    new RegExp(
      `PERMISSION_DENIED: .*HTTP/2 error code: INADEQUATE_SECURITY.*debug data: ${json(word)}`,
    ),
  { tool: java, isSlow: true },
);

// Neither the code of the GOAWAY nor its debug data.
testRefusedClient(
  "HttpClient of the JDK",
  refusedProgram(
    findTool("java") ?? "",
    ({ url }) => ["-cp", javaFolder, "HttpRefusedClient", url],
  ),
  () => /java\.io\.IOException: .*GOAWAY received/,
  { tool: java, isSlow: true },
);

// The cause had the word when the GOAWAY came in the first flight.
const tonic = builtClient("tonic", "tonic");
testGrpcClient(
  "tonic",
  [tonic.path ?? ""],
  () => /transport error.*(?:stream closed because of a broken pipe|http2 error)/,
  { tool: tonic },
);

/** A program that is given the port alone. */
function testGrpcClient(
  name: string,
  [program = "", ...args]: readonly string[],
  text: RefusedText,
  options: RefusedClientOptions,
): void {
  const start = refusedProgram(program, ({ port }) => [...args, `${port}`]);
  testRefusedClient(name, start, text, options);
}

function json(word: string): string {
  return `{"refused":"${word}"}`;
}
