import { nodeProgram } from "../node_program.ts";
import { testRefusedClient } from "./refused_client.ts";

// These keep the code of a GOAWAY alone, and drop its debug data.
testRefusedClient(
  "@grpc/grpc-js",
  (config) => nodeProgram("grpc_client.mjs", config),
  () => /Protocol not secure enough/,
);

for (const protocol of ["connect", "grpc"] as const) {
  testRefusedClient(
    `@connectrpc/connect-node over ${protocol}`,
    (config) => nodeProgram("connect_client.mjs", { ...config, protocol }),
    () => /Session closed with error code 12/,
  );
}
