import assert from "node:assert/strict";
import { dnsDiscovery, srvDiscovery } from "../../src/discovery/mod.ts";
import { freePort, installed } from "../support/program.ts";
import { TestProcess } from "../support/test_process.ts";
import { Watched } from "../support/watched.ts";

const program = installed("dnsmasq");

/** dnsmasq on loopback; its hosts file is read again on SIGHUP. */
class Dnsmasq implements AsyncDisposable {
  readonly port = freePort();
  readonly #hosts = Deno.makeTempFileSync();
  #process: TestProcess | undefined;

  async start(): Promise<void> {
    // It says so once it listens and has read the hosts.
    const isReady = (line: string) => /read .*addresses|- \d+ names|- \d+ addresses/.test(line);
    const { process } = await TestProcess.ready(program!, isReady, {
      args: [
        "--keep-in-foreground",
        "--no-resolv",
        "--no-hosts",
        "--log-facility=-",
        `--user=${Deno.uid() === 0 ? "root" : ""}`,
        `--port=${this.port}`,
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--local=/pool.test/",
        "--local-ttl=1",
        `--addn-hosts=${this.#hosts}`,
        "--srv-host=_selvage._tcp.pool.test,w_1.pool.test,8443,10",
        "--srv-host=_selvage._tcp.pool.test,w2.pool.test,8444,10",
      ],
    });
    this.#process = process;
  }

  async hosts(...lines: string[]): Promise<void> {
    await Deno.writeTextFile(this.#hosts, lines.join("\n") + "\n");
    this.#process?.kill("SIGHUP");
  }

  async kill(): Promise<void> {
    await this.#process?.end();
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#hosts);
  }
}

Deno.test({
  name: "dns discovery follows dnsmasq's records, and keeps its workers while dnsmasq is gone",
  ignore: program === undefined,
  // The pipe of the killed server's log is not read to its end.
  sanitizeResources: false,
  async fn() {
    await using server = new Dnsmasq();
    await server.hosts("10.9.0.1 a_b.pool.test", "fd00::9 a_b.pool.test");
    await server.start();
    const options = { nameServer: `127.0.0.1:${server.port}`, refreshMs: 50, timeoutMs: 300 };
    await using watched = new Watched(dnsDiscovery("a_b.pool.test:8443", options));
    await watched.until((known) => known.length === 2);
    assert.deepEqual(watched.addresses, ["10.9.0.1:8443", "[fd00::9]:8443"]);
    await server.hosts("10.9.0.2 a_b.pool.test", "10.9.0.3 a_b.pool.test");
    await watched.until((known) => known.includes("10.9.0.2:8443"));
    await server.kill();
    while (watched.failures.length === 0) await watched.next();
    assert.ok(watched.addresses.includes("10.9.0.3:8443"));
    await server.hosts("10.9.0.4 a_b.pool.test");
    await server.start();
    await watched.until((known) => known.join() === "10.9.0.4:8443");
  },
});

Deno.test({
  name: "dns+srv discovery finds the servers that dnsmasq lists",
  ignore: program === undefined,
  sanitizeResources: false,
  async fn() {
    await using server = new Dnsmasq();
    await server.hosts("10.9.0.1 w_1.pool.test", "10.9.0.2 w2.pool.test");
    await server.start();
    const options = { nameServer: `127.0.0.1:${server.port}` };
    await using watched = new Watched(srvDiscovery("_selvage._tcp.pool.test", options));
    await watched.until((known) => known.length === 2);
    assert.deepEqual(watched.addresses, ["10.9.0.1:8443", "10.9.0.2:8444"]);
  },
});
