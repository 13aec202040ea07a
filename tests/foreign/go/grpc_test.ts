import { testForeignClient } from "../client_scenarios.ts";
import { testForeignServer } from "../server_scenarios.ts";
import { go, goProgram } from "./go_program.ts";

testForeignClient("grpc-go", (config) => goProgram("grpcclient", config), go);
testForeignServer({
  name: "grpc-go",
  protocol: "grpc",
  start: (config) => goProgram("grpcserver", config),
  tool: go,
});
