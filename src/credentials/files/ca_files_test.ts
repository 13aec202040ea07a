import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { caValues, labelledCa } from "../mod.ts";

Deno.test("labelledCa() takes what stands before = for a trust domain, unless a slash comes first", () => {
  assert.equal(labelledCa(["ca.pem"]), "ca.pem");
  assert.equal(labelledCa(["./a=b.pem"]), "./a=b.pem");
  assert.deepEqual({
    ...labelledCa(["ca.pem", "other.org=/run/o.pem", "third-1.org=t=2.pem"]) as object,
  }, {
    "": "ca.pem",
    "other.org": "/run/o.pem",
    "third-1.org": "t=2.pem",
  });
  for (const twice of [["a.pem", "b.pem"], ["a.org=a.pem", "a.org=b.pem"]]) {
    assert.throws(() => labelledCa(twice), ConfigurationError);
  }
});

Deno.test("caValues() keeps the bundles of domains apart from the one without", () => {
  const { ca, domains } = caValues({ "": new URL("file:///ca.pem"), "other.org": "other.pem" });
  assert.equal(ca, "/ca.pem");
  assert.deepEqual([...domains], [["other.org", "other.pem"]]);
  assert.deepEqual(caValues({ "other.org": "other.pem" }).ca, undefined);
  for (const wrong of [{ "Other.org": "a" }, { "a/b": "a" }, { "other.org": "system" }]) {
    assert.throws(() => caValues(wrong), ConfigurationError);
  }
});
