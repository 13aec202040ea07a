import { testRefusedClient } from "../refused/refused_client.ts";
import { refusedBy } from "../refused/refused_program.ts";
import { go, goProgram } from "./go_program.ts";

// Go shows its certificate only where it fits an authority that the server names, and to a server that names
// none (RFC 8446 §4.2.4): a worker names none, so that it can say what is wrong.
testRefusedClient(
  "grpc-go",
  (config) => goProgram("grpcclient", config),
  (word) => new RegExp(`INADEQUATE_SECURITY, debug data: .*\\\\?"refused\\\\?":\\\\?"${word}`),
  { tool: go },
);

testRefusedClient(
  "Go net/http",
  async (config) => {
    const program = await goProgram("httpclient", config);
    return refusedBy(() => program.ask("unary", { text: "let me in" }), program);
  },
  goAwayOf,
  { tool: go },
);

for (const protocol of ["connect", "grpc"] as const) {
  testRefusedClient(
    `connect-go over ${protocol}`,
    (config) => goProgram("connectclient", { ...config, protocol }),
    goAwayOf,
    { tool: go },
  );
}

/** What `net/http` says, which connect-go hands on. */
function goAwayOf(word: string): RegExp {
  return new RegExp(
    `server sent GOAWAY and closed the connection.*INADEQUATE_SECURITY.*"refused.*:.*"${word}`,
  );
}
