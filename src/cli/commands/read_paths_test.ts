import assert from "node:assert/strict";
import { readPaths } from "./read_paths.ts";

const many = (folder: string) => Array.from({ length: 9 }, (_, n) => `${folder}/${n}.ts`);

Deno.test("readPaths names the package's folder, folders of many files, and single files", () => {
  const files = [
    "/pkg/src/a.ts",
    "/pkg/src/b/c.ts",
    "/pkg/srcs/d.ts",
    "/home/me/math.ts",
    ...many("/home/me/lib"),
    "/home/me/lib/deep/e.ts",
  ];
  assert.deepEqual(readPaths(files, "/pkg/src"), [
    "/pkg/src",
    "/pkg/srcs/d.ts",
    "/home/me/math.ts",
    "/home/me/lib",
  ]);
});

Deno.test("readPaths never names the root", () => {
  assert.deepEqual(readPaths(many(""), undefined), many(""));
});
