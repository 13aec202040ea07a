import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DynamicTable } from "./dynamic_table.ts";

function fieldsOf(table: DynamicTable): string[] {
  return Array.from(
    { length: table.length },
    (_, index) => `${table.nameAt(index)}=${table.valueAt(index)}`,
  );
}

Deno.test("DynamicTable holds the newest fields that fit, the newest first", () => {
  // Each field has 2 octets and 32 of overhead.
  const table = new DynamicTable(34 * 40);
  for (let at = 0; at < 100; at++) table.insert("x", String(at % 10));
  strictEqual(table.length, 40);
  strictEqual(table.bytes, 34 * 40);
  deepStrictEqual(
    fieldsOf(table),
    Array.from({ length: 40 }, (_, index) => `x=${(99 - index) % 10}`),
  );
});

Deno.test("DynamicTable is emptied by a field larger than itself", () => {
  const table = new DynamicTable(100);
  table.insert("a", "b");
  table.insert("large", "x".repeat(64));
  strictEqual(table.length, 0);
  table.insert("c", "d");
  deepStrictEqual(fieldsOf(table), ["c=d"]);
});

Deno.test("DynamicTable evicts the oldest when it shrinks, and reports which", () => {
  const evicted: string[] = [];
  const table = new DynamicTable(
    1000,
    (name, value, sequence) => evicted.push(`${sequence} ${name}=${value}`),
  );
  for (const value of ["0", "1", "2"]) table.insert("x", value);
  table.resize(70);
  deepStrictEqual(evicted, ["0 x=0"]);
  deepStrictEqual(fieldsOf(table), ["x=2", "x=1"]);
});

Deno.test("DynamicTable changes its generation whenever an index may mean something else", () => {
  const table = new DynamicTable(1000);
  const generations = new Set([table.generation]);
  table.insert("a", "b");
  generations.add(table.generation);
  table.resize(500);
  generations.add(table.generation);
  table.insert("a", "x".repeat(600));
  generations.add(table.generation);
  strictEqual(generations.size, 4);
});
