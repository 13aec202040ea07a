import { decodeArguments, encodePayload } from "./payload.ts";

const small = { id: 7, name: "seven", tags: ["odd", "prime"], at: new Date(0) };

Deno.bench("a payload, there and back: [1, 2]", () => {
  decodeArguments(encodePayload([1, 2], "arguments"));
});

Deno.bench("a payload, there and back: a small object", () => {
  decodeArguments(encodePayload([small], "arguments"));
});
