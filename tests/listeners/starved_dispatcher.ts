/**
 * A dispatcher in a process that has no file descriptor left, and gets them back: prints the results of two calls.
 *
 * `deno run -A starved_dispatcher.ts ADDRESS`
 */
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { add } from "../e2e/routines.ts";

await using dispatcher = await Dispatcher.open({ discovery: `static:${Deno.args[0]}` });
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // None is left.
}
const starved = await outcome();
for (const file of files) file.close();
console.log(JSON.stringify([starved, await outcome()]));

async function outcome(): Promise<string> {
  try {
    return String(await dispatcher.call(add, [1, 2]));
  } catch (error) {
    return String(error);
  }
}
