import { fuzzFrames } from "./frame_reader.ts";

Deno.test("however frames are spoiled and torn, the reader reports the same of them", () => {
  fuzzFrames({ numRuns: 2000 });
});
