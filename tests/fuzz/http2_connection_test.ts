import { fuzzConnection } from "./http2_connection.ts";

Deno.test("whatever a peer does, a connection ends cleanly and gives everything back", async () => {
  await fuzzConnection({ numRuns: 150 });
});
