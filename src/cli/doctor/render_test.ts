import assert from "node:assert/strict";
import { forge } from "../../../tests/support/forge.ts";
import { read } from "../../../tests/support/judging.ts";
import { adviceOn } from "../../identity/mod.ts";
import { render } from "./render.ts";

Deno.test("render() shows advice with its field, what was found, what is asked, and the issuer's setting", () => {
  const now = Date.now();
  const advice = adviceOn({ chain: [read(forge({ purposes: [] }))], role: "server", now });
  const text = render({ step: "own-certificate", outcome: "passed", identity: "x", advice }, now);
  assert.match(text, /advice +extendedKeyUsage: it has no extended key usage.* \(leaf\.purpose\)/);
  assert.match(text, /RFC 5280 §4\.2\.1\.12/);
  assert.match(text, /set +openssl: extendedKeyUsage = serverAuth, clientAuth/);
});
