/** A dispatcher in a process of its own, under load until its input ends; its events go to stdout. */
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { Load } from "./load.ts";
import type { CallerReport, CallerSettings } from "./caller_process.ts";

const settings: CallerSettings = JSON.parse(Deno.args[0] ?? "{}");
await using dispatcher = await Dispatcher.open({
  discovery: `static:${settings.address}`,
  credentials: Credentials.watchFiles(settings.files),
  identity: settings.identity,
});
const events = dispatcher.events();
(async () => {
  for await (const event of events) report({ event });
})();
const load = await Load.begin(dispatcher);
report({ begun: true });
for await (const _bytes of Deno.stdin.readable);
await load.goesOn();
await load.end();
report({ calls: load.calls });

function report(report: CallerReport): void {
  console.log(JSON.stringify(report));
}
