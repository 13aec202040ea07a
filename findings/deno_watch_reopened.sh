#!/usr/bin/env bash
# Deno.watchFs and a folder that was deleted and made again.
#
# Deno 2.9.6 on Linux: a watch of a folder that is deleted and made again reports nothing of the new one, as
# inotify has it. Closed and opened anew on the same path at once, the new watch reports nothing either, for
# good; opened 300 ms after the first was closed, it works. Where the folder stayed the same, a watch opened
# at once works as well. Who follows mounted credentials has to let a watch go before opening the next.
#
# Installs npm's deno@2.9.6 in a temporary folder. Output seen:
#   the same folder, reopened at once: events
#   the same folder, reopened later: events
#   made again, reopened at once: silent
#   made again, reopened later: events
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
cat >watch.mts <<'TS'
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function counted(watcher: Deno.FsWatcher): { events: number } {
  const count = { events: 0 };
  (async () => {
    for await (const _ of watcher) count.events += 1;
  })();
  return count;
}

for (const made of ["the same folder", "made again"]) {
  for (const reopened of ["at once", "later"]) {
    const path = `${await Deno.makeTempDir({ dir: "." })}/watched`;
    await Deno.mkdir(path);
    const first = Deno.watchFs(path);
    counted(first);
    await pause(500);
    if (made === "made again") {
      await Deno.remove(path);
      await Deno.mkdir(path);
      await pause(500);
    }
    first.close();
    if (reopened === "later") await pause(300);
    const count = counted(Deno.watchFs(path));
    await pause(500);
    await Deno.writeTextFile(`${path}/file`, "text");
    await pause(1500);
    console.log(`${made}, reopened ${reopened}: ${count.events > 0 ? "events" : "silent"}`);
  }
}
Deno.exit();
TS
npx deno run -A --quiet watch.mts | tee seen
diff seen - <<'EXPECTED'
the same folder, reopened at once: events
the same folder, reopened later: events
made again, reopened at once: silent
made again, reopened later: events
EXPECTED
