import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { Credentials } from "../../src/credentials/mod.ts";
import type { Dispatcher, DispatcherOptions } from "../../src/dispatch/mod.ts";
import type { JwtOptions } from "../../src/policy/mod.ts";
import {
  type WorkerServer,
  WorkerServer as Server,
  type WorkerServerOptions,
} from "../../src/worker/mod.ts";
import { openDispatcher } from "../e2e/pair.ts";
import { type Trust, WORKER_ID } from "../e2e/trust.ts";

const ISSUER = "https://issuer.example";

/** Issues tokens with a key of its own. */
export class Issuer {
  readonly #pair: Awaited<ReturnType<typeof generateKeyPair>>;
  /** The settings of a worker that trusts it, for tokens made out to the worker's identity. */
  readonly settings: JwtOptions;

  private constructor(pair: Awaited<ReturnType<typeof generateKeyPair>>, jwk: object) {
    this.#pair = pair;
    const keys = [{ ...jwk, kid: "k1" }];
    this.settings = { issuer: ISSUER, audience: WORKER_ID, jwks: { keys }, clockToleranceS: 0 };
  }

  static async create(): Promise<Issuer> {
    const pair = await generateKeyPair("ES256", { extractable: true });
    return new Issuer(pair, await exportJWK(pair.publicKey));
  }

  /** A token that is valid for a minute, unless `claims` say otherwise. */
  token(claims: JWTPayload = {}, kid = "k1"): Promise<string> {
    const exp = Math.floor(Date.now() / 1_000) + 60;
    return new SignJWT({ iss: ISSUER, aud: WORKER_ID, sub: "alice", exp, ...claims })
      .setProtectedHeader({ alg: "ES256", kid }).sign(this.#pair.privateKey);
  }
}

/** A worker over one-way TLS. */
export function oneWayWorker(
  trust: Trust,
  options: Partial<WorkerServerOptions>,
): Promise<WorkerServer> {
  const { ca: _, ...pem } = trust.worker();
  return Server.start({ credentials: Credentials.fromPem({ ...pem, oneWay: true }), ...options });
}

/** A dispatcher that presents no certificate. */
export function oneWayDispatcher(
  trust: Trust,
  address: string,
  options: Partial<DispatcherOptions> = {},
): Promise<Dispatcher> {
  const credentials = Credentials.fromPem({ ca: trust.ca, oneWay: true });
  return openDispatcher(trust, address, { credentials, ...options });
}
