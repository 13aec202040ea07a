import assert from "node:assert/strict";
import { ConfigurationError } from "../errors/mod.ts";
import {
  certificateShapes,
  denylistOf,
  makeAuthorities,
} from "../../tests/support/certificates.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { Credentials, type DenylistSetting, openCredentials } from "./mod.ts";

const authorities = makeAuthorities();
const leaf = certificateShapes(authorities, "spiffe://example.org/worker").fine();
const PEM = { ca: authorities.root.pem, cert: leaf.pem, key: leaf.keyPem };

Deno.test("openCredentials() lets the denylist and the credentials change apart", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/denylist.json`;
  await Deno.writeTextFile(file, "{}");
  const observer = new RecordingObserver();
  let pem = PEM;
  const credentials = Credentials.provider(() => pem, { refreshMs: 10 });
  {
    await using source = await openCredentials(credentials, file, { observer });
    assert.ok(source !== undefined);
    const versions: (readonly [generation: number, denied: number])[] = [];
    using _subscription = source.subscribe(({ generation, denylist }) =>
      void versions.push([generation, denylist.size])
    );
    await Deno.writeTextFile(file, denylistOf(leaf));
    const [changed] = await observer.until("denylist.changed");
    assert.equal(changed?.entries, 1);
    pem = { ...PEM, ca: PEM.ca + authorities.foreign.pem };
    await observer.until("credentials.rotated");
    assert.deepEqual(versions, [[1, 1], [2, 1]]);
    await Deno.remove(file);
    await observer.until("denylist.rejected");
    assert.equal(source.current().denylist.size, 1);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openCredentials() takes the entries of a denylist themselves", async () => {
  const entries = { spiffeIds: ["spiffe://example.org/client"] };
  await using source = await openCredentials(Credentials.fromPem(PEM), entries, {});
  assert.equal(source?.current().denylist.size, 1);
});

Deno.test("openCredentials() refuses a denylist that cannot be read, or has no effect", async () => {
  const folder = await Deno.makeTempDir();
  const broken = `${folder}/broken.json`;
  await Deno.writeTextFile(broken, "[]");
  const oneWay = Credentials.fromPem({ cert: PEM.cert, key: PEM.key, oneWay: true });
  const wrong: readonly (readonly [Credentials | undefined, DenylistSetting])[] = [
    [Credentials.fromPem(PEM), `${folder}/missing.json`],
    [Credentials.fromPem(PEM), broken],
    [Credentials.fromPem(PEM), { serials: ["xyz"] }],
    [oneWay, { serials: ["01"] }],
    [undefined, { serials: ["01"] }],
  ];
  for (const [credentials, denylist] of wrong) {
    await assert.rejects(
      openCredentials(credentials, denylist, {}),
      (error) => error instanceof ConfigurationError && error.setting === "denylist",
    );
  }
  await Deno.remove(folder, { recursive: true });
});
