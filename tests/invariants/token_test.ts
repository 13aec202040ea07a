/** Invariant 7: a token goes only to a verified identity over TLS, or through a socket of ours. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError, HandshakeError } from "../../src/errors/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { add } from "../e2e/routines.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";

const TOKEN = "a-token-of-nobodys-business";

Deno.test("a token goes through a unix socket in a folder of our own, and in no other", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using worker = await WorkerServer.start({
      routines: { add },
      listen: `unix:${folder}/worker.sock`,
    });
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${worker.address}`,
      token: TOKEN,
    });
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
    await Deno.chmod(folder, 0o1777);
    await assert.rejects(dispatcher.call(add, [1, 2]), ConfigurationError);
    await Deno.chmod(folder, 0o700);
    await Deno.symlink(folder, `${folder}-link`);
    await using led = await Dispatcher.open({
      discovery: `static:unix:${folder}-link/worker.sock`,
      token: TOKEN,
    });
    await assert.rejects(led.call(add, [1, 2]), ConfigurationError);
  } finally {
    await Deno.remove(`${folder}-link`).catch(() => {});
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a token goes through a unix socket that was ours when it was dialled, and is still there", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s/worker.sock`;
  const swapFolders = async () => {
    await Deno.rename(`${folder}/s`, `${folder}/swap`);
    await Deno.rename(`${folder}/other`, `${folder}/s`);
    await Deno.rename(`${folder}/swap`, `${folder}/other`);
  };
  const open = async () => {
    const dispatcher = await Dispatcher.open({ discovery: `static:unix:${path}`, token: TOKEN });
    await dispatcher.ready();
    return dispatcher;
  };
  try {
    await Deno.mkdir(`${folder}/s`, { mode: 0o700 });
    await using worker = await WorkerServer.start({ routines: { add }, listen: `unix:${path}` });
    await Deno.mkdir(`${folder}/other`, { mode: 0o700 });
    await Deno.copyFile(new URL(import.meta.url), `${folder}/other/worker.sock`);
    await Deno.chmod(`${folder}/s`, 0o777);
    await using dialledInAnothers = await open();
    await Deno.chmod(`${folder}/s`, 0o700);
    await assert.rejects(dialledInAnothers.call(add, [1, 2]), ConfigurationError);
    await using dialledInOurs = await open();
    assert.equal(await dialledInOurs.call(add, [1, 2]), 3);
    await swapFolders();
    await assert.rejects(dialledInOurs.call(add, [1, 2]), ConfigurationError);
    await swapFolders();
    await Deno.chmod(folder, 0o777);
    await assert.rejects(dialledInOurs.call(add, [1, 2]), ConfigurationError);
    await Deno.chmod(folder, 0o700);
    assert.equal(await dialledInOurs.call(add, [1, 2]), 3);
    assert.equal(worker.inFlight, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a token goes to no worker that is not proven, and not in plaintext on loopback", async () => {
  const trust = new Trust();
  await using impostor = await startWorker(trust, {}, trust.worker("spiffe://example.org/other"));
  await using deceived = await openDispatcher(trust, impostor.address, { token: TOKEN });
  await assert.rejects(deceived.call(add, [1, 2]), HandshakeError);
  let heard = "";
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => heard += new TextDecoder("latin1").decode(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await using plain = await WorkerServer.start({ routines: { add } });
  for (const address of [plain.address, `127.0.0.1:${port}`]) {
    await using careless = await Dispatcher.open({
      discovery: `static:${address}`,
      token: TOKEN,
      limits: { handshakeTimeoutMs: 200 },
    });
    await assert.rejects(careless.call(add, [1, 2], { timeoutMs: 1_000 }));
  }
  server.close();
  assert.doesNotMatch(heard, new RegExp(TOKEN));
});
