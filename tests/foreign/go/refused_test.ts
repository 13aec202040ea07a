import { testRefusedClient } from "../refused_clients.ts";
import { refusedBy } from "../refused_requests.ts";
import { go, goProgram } from "./go_program.ts";

// Go shows its certificate only where it fits an authority that the server names, and to a server that names
// none (RFC 8446 §4.2.4): a worker names none, so that it can say what is wrong.
testRefusedClient("grpc-go", (config) => goProgram("grpcclient", config), {
  notAllowed: /INADEQUATE_SECURITY, debug data: .*\\?"refused\\?":\\?"subject-not-allowed/,
  foreign: /INADEQUATE_SECURITY, debug data: .*\\?"refused\\?":\\?"untrusted-authority/,
}, go);

testRefusedClient(
  "Go net/http",
  async (config) => {
    const program = await goProgram("httpclient", config);
    return refusedBy(() => program.ask("unary", { text: "let me in" }), program);
  },
  {
    notAllowed: /server sent GOAWAY.*INADEQUATE_SECURITY.*\\"refused\\":\\"subject-not-allowed/,
    foreign: /server sent GOAWAY.*INADEQUATE_SECURITY.*\\"refused\\":\\"untrusted-authority/,
  },
  go,
);
