import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../../../tests/support/certificates.ts";
import { MovedClock } from "../../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../../tests/support/recording_observer.ts";
import { type Clock, systemClock } from "../../observe/mod.ts";
import {
  type CredentialFiles,
  Credentials,
  type CredentialsSource,
  ownCertificateFault,
  type WatchOptions,
} from "../mod.ts";

const authorities = makeAuthorities();
const shapes = certificateShapes(authorities, "spiffe://example.org/worker");

/** The wait for quiet is short here, so that a wait for files to settle is a fifth of a second. */
const DEBOUNCE_MS = 10;
const HOUR_MS = 3_600_000;

/** By which no time passes, so that what files look like between two writes is waited for, however slow the machine. */
const STARTED = Date.now();
const standing: Clock = { ...systemClock, now: () => STARTED, steady: () => 0 };

/** A folder of credentials and their watched source. */
class Watched implements AsyncDisposable {
  readonly observer = new RecordingObserver();
  readonly #folder: string;
  #source: CredentialsSource | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  static async folder(): Promise<Watched> {
    return new Watched(await Deno.makeTempDir());
  }

  /** A new folder, with these credentials in it and watched. */
  static async with(leaf: TestCertificate): Promise<Watched> {
    const watched = await Watched.folder();
    await watched.writeAll(leaf);
    await watched.open();
    return watched;
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.path(name), text);
  }

  async writeAll(leaf: TestCertificate, below: string = "."): Promise<void> {
    await this.write(`${below}/ca.pem`, authorities.root.pem);
    await this.write(`${below}/tls.crt`, leaf.chainPem);
    await this.write(`${below}/tls.key`, leaf.keyPem);
  }

  async open(
    options: WatchOptions & { below?: string; clock?: Clock } = {},
  ): Promise<CredentialsSource> {
    const { below = ".", clock = systemClock, ...settings } = options;
    this.#source = await Credentials.watchFiles({
      ca: this.path(`${below}/ca.pem`),
      cert: this.path(`${below}/tls.crt`),
      key: this.path(`${below}/tls.key`),
      debounceMs: DEBOUNCE_MS,
      ...settings,
    }).open({ observer: this.observer, clock });
    return this.#source;
  }

  async openFrom(files: Omit<CredentialFiles, "ca">): Promise<void> {
    const watching = Credentials.watchFiles({
      ca: this.path("ca.pem"),
      ...files,
      debounceMs: DEBOUNCE_MS,
    });
    this.#source = await watching.open({ observer: this.observer });
  }

  get source(): CredentialsSource {
    return this.#source ?? assert.fail("not open");
  }

  /** Waits until the credentials in use are these. */
  async uses(leaf: TestCertificate): Promise<void> {
    for (let rotations = 1; this.source.current().own?.keyPem !== leaf.keyPem; rotations++) {
      await this.observer.until("credentials.rotated", rotations);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source?.[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("watchFiles takes files that are replaced by renaming others over them", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing });
  const next = shapes.fine();
  for (const [name, text] of [["tls.crt", next.chainPem], ["tls.key", next.keyPem]] as const) {
    await watched.write(`${name}.new`, text);
    await Deno.rename(watched.path(`${name}.new`), watched.path(name));
  }
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles waits for the second half of a file that is rewritten in place", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  const half = Math.floor(next.chainPem.length / 2);
  await watched.write("tls.crt", next.chainPem.slice(0, half));
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  const file = await Deno.open(watched.path("tls.crt"), { append: true });
  await file.write(new TextEncoder().encode(next.chainPem.slice(half)));
  file.close();
  await watched.write("tls.key", next.keyPem);
  await watched.uses(next);
});

Deno.test("watchFiles follows the symbolic link that Kubernetes swaps", async () => {
  await using watched = await Watched.folder();
  const [first, next, third] = [shapes.fine(), shapes.fine(), shapes.fine()];
  await Deno.mkdir(watched.path("..2030_01"));
  await watched.writeAll(first, "..2030_01");
  await Deno.symlink("..2030_01", watched.path("..data"));
  for (const name of ["ca.pem", "tls.crt", "tls.key"]) {
    await Deno.symlink(`..data/${name}`, watched.path(name));
  }
  await watched.open();
  const swap = async (from: string, to: string, leaf: TestCertificate) => {
    await Deno.mkdir(watched.path(to));
    await watched.writeAll(leaf, to);
    await Deno.symlink(to, watched.path("..data_tmp"));
    await Deno.rename(watched.path("..data_tmp"), watched.path("..data"));
    await Deno.remove(watched.path(from), { recursive: true });
    await watched.uses(leaf);
  };
  await swap("..2030_01", "..2030_02", next);
  await swap("..2030_02", "..2030_03", third);
  assert.equal(watched.source.current().generation, 3);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles follows a symbolic link in the middle of the path", async () => {
  await using watched = await Watched.folder();
  const [first, next] = [shapes.fine(), shapes.fine()];
  for (const [version, leaf] of [["v1", first], ["v2", next]] as const) {
    await Deno.mkdir(watched.path(version));
    await watched.writeAll(leaf, version);
  }
  await Deno.symlink(watched.path("v1"), watched.path("current"));
  await watched.open({ below: "current" });
  await Deno.symlink("v2", watched.path("swap"));
  await Deno.rename(watched.path("swap"), watched.path("current"));
  await watched.uses(next);
});

Deno.test("watchFiles waits for the certificate when the key comes first", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing });
  const next = shapes.fine();
  await watched.write("tls.key", next.keyPem);
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  await watched.write("tls.crt", next.chainPem);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles waits for the bundle of a new authority when its certificate comes first", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing });
  const root = makeCertificate({ name: "next root", authority: true });
  const next = makeCertificate({ names: [{ dns: "worker.internal" }], issuer: root });
  await watched.write("tls.key", next.keyPem);
  await watched.write("tls.crt", next.chainPem);
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  await watched.write("ca.pem", root.pem);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles takes files that are deleted and made again", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  for (const name of ["ca.pem", "tls.crt", "tls.key"]) await Deno.remove(watched.path(name));
  await pause(DEBOUNCE_MS * 5);
  await watched.writeAll(next);
  await watched.uses(next);
});

Deno.test("watchFiles takes a folder that is deleted and made again", async () => {
  await using watched = await Watched.folder();
  const [first, next, third] = [shapes.fine(), shapes.fine(), shapes.fine()];
  await Deno.mkdir(watched.path("tls"));
  await watched.writeAll(first, "tls");
  await watched.open({ below: "tls" });
  for (const leaf of [next, third]) {
    await Deno.remove(watched.path("tls"), { recursive: true });
    await Deno.mkdir(watched.path("tls"));
    await watched.writeAll(leaf, "tls");
    await watched.uses(leaf);
  }
});

Deno.test("watchFiles takes key and chain from one bundle, as Kubernetes writes it, in both spellings", async () => {
  const [first, next] = [shapes["fine-under-intermediate"](), shapes["fine-under-intermediate"]()];
  const text = (leaf: TestCertificate) => leaf.keyPem + leaf.chainPem;
  for (const both of [false, true]) {
    await using watched = await Watched.folder();
    await watched.write("ca.pem", authorities.root.pem);
    await watched.write("bundle.pem", text(first));
    const bundle = watched.path("bundle.pem");
    await watched.openFrom(both ? { cert: bundle, key: bundle } : { bundle });
    assert.equal(watched.source.current().own?.chain.length, 2);
    await watched.write("bundle.next", text(next));
    await Deno.rename(watched.path("bundle.next"), bundle);
    await watched.uses(next);
    assert.deepEqual(watched.observer.of("credentials.rejected"), []);
  }
});

Deno.test("watchFiles waits at the start for a folder that appears later", async () => {
  await using watched = await Watched.folder();
  const leaf = shapes.fine();
  const opening = watched.open({ below: "late/tls", pollMs: 60_000, waitMs: 60_000 });
  await watched.observer.until("credentials.rejected");
  await Deno.mkdir(watched.path("late"));
  await Deno.mkdir(watched.path("late/tls"));
  await watched.writeAll(leaf, "late/tls");
  const source = await opening;
  assert.equal(source.current().own?.keyPem, leaf.keyPem);
  assert.match(watched.observer.of("credentials.rejected")[0]?.message ?? "", /does not exist/);
});

for (const name of ["ca.pem", "tls.crt"] as const) {
  Deno.test(`watchFiles takes ${name} where it alone changes`, async () => {
    await using watched = await Watched.folder();
    const leaf = shapes["fine-under-intermediate"]();
    await watched.writeAll(leaf);
    await watched.open();
    const changed = {
      "ca.pem": authorities.root.pem + authorities.foreign.pem,
      "tls.crt": leaf.chainPem + authorities.root.pem,
    };
    await watched.write(name, changed[name]);
    await watched.observer.until("credentials.rotated");
    const material = watched.source.current();
    assert.deepEqual(
      [material.anchors?.all.length, material.own?.chain.length],
      { "ca.pem": [2, 2], "tls.crt": [1, 3] }[name],
    );
  });
}

Deno.test("watchFiles keeps the chain in use where the next one lacks its intermediate", async () => {
  const leaf = shapes["fine-under-intermediate"]();
  await using watched = await Watched.with(leaf);
  await watched.write("tls.crt", leaf.pem);
  await watched.observer.until("credentials.rejected");
  const { reason, message } = watched.observer.of("credentials.rejected")[0]!;
  assert.equal(reason, "unsuitable");
  assert.match(message, /leads to none of our own authorities/);
  assert.equal(watched.source.current().generation, 1);
});

Deno.test("watchFiles reports bad files with the reason, keeps the last good and takes the next", async () => {
  const first = shapes.fine();
  await using watched = await Watched.with(first);
  const bad: [string, string, string][] = [
    ["tls.crt", shapes.fine().pem, "key-mismatch"],
    ["tls.crt", "nonsense", "malformed"],
    ["tls.crt", "", "incomplete"],
    ["ca.pem", "", "incomplete"],
    ["ca.pem", `${authorities.root.pem}-----BEGIN CERTIFICATE-----\nAAAA\n`, "malformed"],
  ];
  for (const [index, [name, text, reason]] of bad.entries()) {
    await watched.write(name, text);
    const rejected = await watched.observer.until("credentials.rejected", index + 1);
    assert.equal(rejected.at(-1)?.reason, reason);
    assert.equal(rejected.at(-1)?.keptGeneration, 1);
    await watched.writeAll(first);
  }
  // Of the same key, so that no other fault is there while the files are written one by one.
  const { key } = first;
  const dated = ["expired", "not-yet-valid", "unsuitable"] as const;
  for (const [index, reason] of dated.entries()) {
    const leaf = makeCertificate({
      key,
      issuer: authorities.root,
      ...(reason === "unsuitable" ? { keyUsages: ["keyEncipherment"] } : {}),
      ...(reason === "expired" ? { notAfter: Date.now() - 60_000 } : {}),
      ...(reason === "not-yet-valid" ? { notBefore: Date.now() + 60_000 } : {}),
    });
    await watched.writeAll(leaf);
    const rejected = await watched.observer.until("credentials.rejected", bad.length + index + 1);
    assert.equal(rejected.at(-1)?.reason, reason);
  }
  assert.equal(watched.source.current().generation, 1);
  const next = shapes.fine();
  await watched.writeAll(next);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
});

Deno.test("watchFiles takes a certificate that was too early once its time has come", async () => {
  await using watched = await Watched.folder();
  const first = shapes.fine();
  await watched.writeAll(first);
  const clock = new MovedClock();
  await watched.open({ pollMs: 50, clock });
  const notBefore = Date.now() + HOUR_MS;
  const early = makeCertificate({ issuer: authorities.root, key: first.key, notBefore });
  await watched.write("tls.crt", early.chainPem);
  const [rejected] = await watched.observer.until("credentials.rejected");
  assert.equal(rejected?.reason, "not-yet-valid");
  clock.advance(HOUR_MS);
  await watched.observer.until("credentials.rotated");
  assert.equal(watched.source.current().own?.certPem.trim(), early.chainPem.trim());
});

Deno.test("watchFiles looks for changes where it cannot watch", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  const { watchFs } = Deno;
  Deno.watchFs = () => {
    throw new Error("no more watches");
  };
  // Polling does not keep the process alive, as a worker's listener does.
  const alive = setInterval(() => {}, 60_000);
  try {
    await watched.open({ pollMs: 20 });
    const next = shapes.fine();
    await watched.writeAll(next);
    await watched.uses(next);
  } finally {
    clearInterval(alive);
    Deno.watchFs = watchFs;
  }
});

Deno.test("watchFiles opens with an own certificate that cannot be used, and takes its successor", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.expired());
  const source = await watched.open();
  assert.equal(ownCertificateFault(source.current(), Date.now())?.rule, "own.expired");
  const next = shapes.fine();
  await watched.writeAll(next);
  await watched.uses(next);
  assert.equal(ownCertificateFault(source.current(), Date.now()), undefined);
});

Deno.test("watchFiles fails to open where files stay missing or bad, and says which", async () => {
  await using watched = await Watched.folder();
  const failure = async (waitMs: number) => {
    const error = await watched.open({ waitMs }).then(() => undefined, (thrown) => thrown);
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.message;
  };
  assert.match(await failure(0), /^ca: .*ca\.pem does not exist$/);
  await watched.writeAll(shapes.fine());
  await watched.write("ca.pem", "nonsense");
  assert.match(await failure(60_000), /^ca: [^ ]+: the bundle: /);
});

Deno.test("watchFiles stops waiting when its signal aborts", async () => {
  await using watched = await Watched.folder();
  const abort = new AbortController();
  const opening = Credentials.watchFiles({ ca: watched.path("ca.pem"), oneWay: true })
    .open({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(opening, /enough/);
});

Deno.test("watchFiles is not held up by a neighbour that keeps changing", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  let busy = true;
  const churn = (async () => {
    while (busy) {
      await watched.write("neighbour", String(Math.random()));
      await pause(1);
    }
  })();
  await watched.writeAll(next);
  await watched.uses(next);
  busy = false;
  await churn;
});

Deno.test("watchFiles reads files that keep changing all the same", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  await watched.writeAll(next);
  let busy = true;
  const churn = (async () => {
    while (busy) {
      await Deno.utime(watched.path("tls.crt"), new Date(), new Date());
      await pause(1);
    }
  })();
  await watched.uses(next);
  busy = false;
  await churn;
});
