import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Authority, createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { file_grpc_health_v1_health } from "../../src/gen/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../../src/worker/mod.ts";
import * as routines from "../e2e/routines.ts";
import { type EchoRecord, echoService, emptyRecord } from "../support/echo.ts";
import { EchoService, file_selvage_test_v1_echo } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { HeldCalls } from "./held_calls.ts";

/** The identity of every server, ours and foreign ones. */
export const SERVER_ID = "spiffe://example.org/worker";
/** The identity of every client, ours and foreign ones. */
export const CLIENT_ID = "spiffe://example.org/client/foreign";
/** The size of the large messages. */
export const LARGE_BYTES = 16 * 1024 * 1024;
/** Room for a large message and what is around it. */
export const MESSAGE_BYTES = LARGE_BYTES + 1024 * 1024;

/** A certificate with its key and the authority above it, PEM. */
export interface PeerPem {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** One authority, and the certificates of both ends under it. */
export class ForeignTrust {
  readonly #authority: Authority = createAuthority();

  /** A server's, good for its identity and, as foreign clients want it, for its address. */
  server(): PeerPem {
    return this.#issue("server", SERVER_ID);
  }

  /** A client's. */
  client(spiffe: string = CLIENT_ID): PeerPem {
    return this.#issue("client", spiffe);
  }

  #issue(name: string, spiffe: string): PeerPem {
    const request = { name, spiffe, dns: ["localhost"], ip: ["127.0.0.1"] };
    const { certPem: cert, keyPem: key } = this.#authority.issue(request);
    return { ca: this.#authority.certPem, cert, key };
  }
}

/** The services of the tests, as other languages take them: a FileDescriptorSet in base64. */
export const descriptors: string = toBinary(
  FileDescriptorSetSchema,
  create(FileDescriptorSetSchema, {
    file: [file_selvage_test_v1_echo.proto, file_grpc_health_v1_health.proto],
  }),
).toBase64();

/** A worker that foreign clients call, in this process. */
export interface EchoWorker extends AsyncDisposable {
  readonly worker: WorkerServer;
  readonly port: number;
  readonly record: EchoRecord;
  /** Its calls that wait to be let go. */
  readonly held: HeldCalls;
  /** What the worker shows. */
  readonly serverPem: PeerPem;
  /** What a foreign client program needs to call it. */
  readonly config: PeerPem & { readonly port: number; readonly descriptors: string };
  /** Resolves when one more call asked to hang hangs. */
  hanging(): Promise<void>;
  /** Resolves when one more of those is asked to stop. */
  stopped(): Promise<void>;
}

/** Why calls were asked to stop; reports each. */
class Stops extends Array<unknown> {
  onStopped: () => void = () => {};

  override push(...reasons: unknown[]): number {
    const length = super.push(...reasons);
    this.onStopped();
    return length;
  }
}

/** What an echo worker is started with. */
export interface EchoWorkerOptions extends Partial<WorkerServerOptions> {
  /** Whether it asks clients for no certificate. Default false. */
  readonly oneWay?: boolean;
  /** Authorities that it trusts before its own, PEM. Default: none. */
  readonly alsoTrusts?: readonly string[];
  /** Authorities that it trusts for other trust domains, PEM by domain. Default: none. */
  readonly federatedWith?: Readonly<Record<string, string>>;
}

/** Starts a worker with the echo service and some routines, over mutual TLS by default. */
export async function startEchoWorker(
  options: EchoWorkerOptions = {},
): Promise<EchoWorker> {
  const { oneWay = false, alsoTrusts = [], federatedWith = {}, ...others } = options;
  const trust = new ForeignTrust();
  const serverPem = trust.server();
  const ca = { "": [...alsoTrusts, serverPem.ca].join("\n"), ...federatedWith };
  const stops = new Stops();
  const record = { ...emptyRecord(), aborted: stops };
  const held = new HeldCalls();
  const worker = await WorkerServer.start({
    routines,
    services: (router) => router.service(EchoService, held.in(echoService(record))),
    credentials: Credentials.fromPem({ ...serverPem, ca, ...(oneWay ? { oneWay } : {}) }),
    ...(oneWay ? {} : { allow: CLIENT_ID }),
    ...others,
    limits: { concurrency: 1_500, messageBytes: MESSAGE_BYTES, ...others.limits },
  });
  const port = Number(worker.address.split(":").at(-1));
  return {
    worker,
    port,
    record,
    held,
    serverPem,
    config: { ...trust.client(), port, descriptors },
    hanging: () => new Promise((resolve) => record.hanging = resolve),
    stopped: () => new Promise((resolve) => stops.onStopped = resolve),
    [Symbol.asyncDispose]: () => worker.drain({ graceMs: 0 }),
  };
}
