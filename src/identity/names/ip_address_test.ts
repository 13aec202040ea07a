import assert from "node:assert/strict";
import { formatAddress, parseAddress } from "./ip_address.ts";

const SPELLINGS: readonly [string, string][] = [
  ["10.1.2.3", "10.1.2.3"],
  ["::", "::"],
  ["::1", "::1"],
  ["[::1]", "::1"],
  ["2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["1::", "1::"],
  ["::ffff:10.1.2.3", "::ffff:a01:203"],
];

for (const [given, canonical] of SPELLINGS) {
  Deno.test(`formatAddress() writes ${given} as RFC 5952 wants it`, () => {
    assert.equal(formatAddress(parseAddress(given)!), canonical);
  });
}

for (
  const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4/8",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    ":1:2:3:4:5:6:7:8",
    "::1%eth0",
    "::12345",
    "1:2:3:4:5:6:7::8",
    "host",
  ]
) {
  Deno.test(`parseAddress() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseAddress(text), undefined);
  });
}
