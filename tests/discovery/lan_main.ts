/**
 * Watches a fleet on the networks of this process, and announces a worker of it where an id is given. Prints one
 * line for each batch of changes; says goodbye when its standard input ends.
 */
import { lanDiscovery } from "../../src/discovery/mod.ts";

const [fleet = "", id] = Deno.args;
const discovery = lanDiscovery(fleet);
const stop = new AbortController();
const say = (line: unknown) => console.log(JSON.stringify(line));
const lease = id === undefined ? undefined : await discovery.announce(
  { id, address: "[::]:8443", tls: true, tags: [id] },
  { signal: stop.signal, onFailure: (message) => say([{ kind: "failed", message }]) },
);
(async () => {
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await lease?.[Symbol.asyncDispose]();
  stop.abort();
})();
for await (const changes of discovery.watch(stop.signal)) say(changes);
