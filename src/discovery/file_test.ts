import assert from "node:assert/strict";
import { Watched } from "../../tests/support/watched.ts";
import { fileDiscovery } from "./file.ts";
import { discoveryFromUrl } from "./from_url.ts";

Deno.test("file discovery follows a file as Kubernetes replaces it, and keeps its workers while it is ill", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/mounted/workers.json`;
  const write = async (version: number, text: string) => {
    await Deno.mkdir(`${folder}/mounted/..${version}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/mounted/..${version}/workers.json`, text);
    await Deno.symlink(`..${version}`, `${folder}/mounted/..new`);
    await Deno.rename(`${folder}/mounted/..new`, `${folder}/mounted/..data`);
  };
  await write(1, '["10.0.0.1:1", {"address":"10.0.0.2:1","id":"b","tags":["gpu"]}]');
  await Deno.symlink("..data/workers.json", path);
  await using watched = new Watched(fileDiscovery(path, { refreshMs: 5 }));
  await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.1:1", "10.0.0.2:1"]);
  assert.deepEqual(watched.known.get("10.0.0.2:1")?.worker, {
    address: "10.0.0.2:1",
    id: "b",
    tags: ["gpu"],
  });
  await write(2, '{"workers":["10.0.0.3:1"]}');
  await watched.until((known) => known.join() === "10.0.0.3:1");
  const ill = ['{"workers":["10.0.', '{"workers":[{"tags":[]}]}', '{"other":1}', "[7]"];
  for (const [at, text] of ill.entries()) {
    await write(3 + at, text);
    while (watched.failures.length <= at) await watched.next();
  }
  await Deno.remove(`${folder}/mounted`, { recursive: true });
  while (watched.failures.length === ill.length) await watched.next();
  assert.deepEqual(watched.addresses, ["10.0.0.3:1"]);
  assert.match(watched.failures[1]!, /worker 1 of 1: it has no address/);
  // The folder is made again, as an operator would who deletes it and mounts it anew.
  await write(9, "[]");
  await Deno.symlink("..data/workers.json", path);
  await watched.until((known) => known.length === 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("file discovery begins without a file, and says so", async () => {
  const folder = await Deno.makeTempDir();
  await using watched = new Watched(discoveryFromUrl(`file:${folder}/none.json`));
  await watched.next();
  assert.match(watched.failures[0]!, /none\.json/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("file discovery reads no pipe, no folder and no list of more workers than are kept", async () => {
  const folder = await Deno.makeTempDir();
  const pipe = `${folder}/pipe`;
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  const long = `${folder}/long.json`;
  await Deno.writeTextFile(long, JSON.stringify(new Array(65_537).fill("10.0.0.1:1")));
  const read = { [pipe]: /is not a file/, [folder]: /is not a file/, [long]: /more than 65536/ };
  for (const [path, failure] of Object.entries(read)) {
    await using watched = new Watched(fileDiscovery(path, { refreshMs: 5 }));
    await watched.next();
    assert.match(watched.failures[0]!, failure);
  }
  await Deno.remove(folder, { recursive: true });
});
