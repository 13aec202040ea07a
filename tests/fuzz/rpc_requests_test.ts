import { fuzzRequests } from "./rpc_requests.ts";

Deno.test("whatever a request holds, its stream ends, and others are answered", async () => {
  await fuzzRequests({ numRuns: 60 });
});
