/** Routines that the tests of rotation run in a worker of their own process. */
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

const begun = new Map<string, PromiseWithResolvers<void>>();
const ended = new Map<string, PromiseWithResolvers<void>>();

export const echo = routine("rotation.echo", (n: number) => n);

/** Waits until it is released. */
export const hold = routine("rotation.hold", async (name: string) => {
  gate(begun, name).resolve();
  await gate(ended, name).promise;
  return name;
});

/** Answers once a call of that name is held. */
export const held = routine("rotation.held", (name: string) => gate(begun, name).promise);

/** Lets a held call finish. */
export const release = routine("rotation.release", (name: string) => gate(ended, name).resolve());

export const count = routine("rotation.count", async function* (limit: number) {
  for (let n = 1; n <= limit; n++) yield n;
});

export const echoes = duplexRoutine("rotation.echoes", async function* (
  input: AsyncIterable<number>,
) {
  yield* input;
});

export const whoami = routine("rotation.whoami", () => currentCall().peer.identity ?? "");

function gate(
  gates: Map<string, PromiseWithResolvers<void>>,
  name: string,
): PromiseWithResolvers<void> {
  const known = gates.get(name) ?? Promise.withResolvers<void>();
  gates.set(name, known);
  return known;
}
