/** Routines of the fleets that migrate, and of the nodes that call each other. */
import { routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

export const add = routine("fleet.add", (a: number, b: number) => a + b);

export const items = routine("fleet.items", async function* (count: number) {
  for (let n = 0; n < count; n++) yield n;
});

/** Calls the nodes of a route, each from the one before it. @returns Who called each. */
export const relay = routine("fleet.relay", async (route: readonly string[]): Promise<string[]> => {
  const { dispatcher, peer } = currentCall();
  const here = peer.identity ?? "";
  const [next, ...rest] = route;
  if (next === undefined) return [here];
  return [here, ...await dispatcher.call(relay, [rest], { tags: [next] })];
});
