import { testForeignClient } from "./client_scenarios.ts";
import { nodeProgram } from "./node_program.ts";

testForeignClient("@grpc/grpc-js", (config) => nodeProgram("grpc_client.mjs", config));
