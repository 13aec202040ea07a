import type { ServiceImpl } from "@connectrpc/connect";
import * as etcd from "../../src/gen/etcd/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";

/** What a member answers; what is left out is not implemented there. */
export interface EtcdAnswers {
  readonly kv?: Partial<ServiceImpl<typeof etcd.KV>>;
  readonly watch?: Partial<ServiceImpl<typeof etcd.Watch>>;
  readonly lease?: Partial<ServiceImpl<typeof etcd.Lease>>;
}

/** A member of etcd that answers what a test has it answer; plaintext, on loopback. */
export class LyingEtcd implements AsyncDisposable {
  readonly #server: WorkerServer;

  private constructor(server: WorkerServer) {
    this.#server = server;
  }

  /** Starts one. */
  static async start({ kv = {}, watch = {}, lease = {} }: EtcdAnswers): Promise<LyingEtcd> {
    const server = await WorkerServer.start({
      listen: "127.0.0.1:0",
      services: (router) =>
        router.service(etcd.KV, kv).service(etcd.Watch, watch).service(etcd.Lease, lease),
    });
    return new LyingEtcd(server);
  }

  /** `HOST:PORT` of its clients. */
  get endpoint(): string {
    return this.#server.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
