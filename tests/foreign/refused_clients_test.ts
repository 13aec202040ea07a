import { nodeProgram } from "./node_program.ts";
import { testRefusedClient } from "./refused_clients.ts";

// These keep the code of a GOAWAY alone, and drop its debug data.
testRefusedClient("@grpc/grpc-js", (config) => nodeProgram("grpc_client.mjs", config), {
  notAllowed: /Protocol not secure enough/,
  foreign: /Protocol not secure enough/,
});

for (const protocol of ["connect", "grpc"] as const) {
  testRefusedClient(
    `@connectrpc/connect-node over ${protocol}`,
    (config) => nodeProgram("connect_client.mjs", { ...config, protocol }),
    { notAllowed: /Session closed with error code 12/, foreign: /error code 12/ },
  );
}
