import { testForeignClient } from "./client_scenarios.ts";
import { nodeProgram } from "./node_program.ts";
import { testForeignServer } from "./server_scenarios.ts";

testForeignClient("@grpc/grpc-js", (config) => nodeProgram("grpc_client.mjs", config));
testForeignServer({
  name: "@grpc/grpc-js",
  protocol: "grpc",
  start: (config) => nodeProgram("grpc_server.mjs", config),
});
