import { createAuthority, type CredentialPem, Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError, HandshakeError } from "../../src/errors/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import type { Held, Issued } from "./issuer.ts";

const answer = routine("issuers.answer", () => 42);

/** How the two ends took an issuer's certificates: `accepted`, or the rule that refused them. */
export interface Taken {
  readonly asWorker: string;
  readonly asCaller: string;
}

/** Who is expected, and the trust domain in which both ends are. */
export interface Expected {
  readonly worker: string;
  readonly caller: string;
  readonly domain: string;
}

/** Lets a worker, then a caller, hold what an issuer made, and the other end a flawless certificate. */
export async function take(
  issued: Issued,
  { worker, caller, domain }: Expected,
): Promise<Taken> {
  const authority = createAuthority();
  const ca = `${authority.certPem}\n${issued.ca}`;
  const flawless = (name: string, spiffe: string): CredentialPem => {
    const { certPem: cert, keyPem: key } = authority.issue({ name, spiffe });
    return { ca, cert, key };
  };
  const own = (held: Held): CredentialPem => ({ ca, ...held });
  return {
    asWorker: await call(
      own(issued.worker),
      "*",
      flawless("caller", `${domain}/flawless/caller`),
      worker,
    ),
    asCaller: await call(
      flawless("worker", `${domain}/flawless/worker`),
      caller,
      own(issued.caller ?? issued.worker),
      `${domain}/flawless/worker`,
    ),
  };
}

async function call(
  worker: CredentialPem,
  allow: string,
  caller: CredentialPem,
  identity: string,
): Promise<string> {
  try {
    await using server = await WorkerServer.start({
      routines: { answer },
      credentials: Credentials.fromPem(worker),
      allow,
    });
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${server.address}`,
      credentials: Credentials.fromPem(caller),
      identity,
    });
    return await dispatcher.call(answer, []) === 42 ? "accepted" : "answered wrongly";
  } catch (error) {
    if (error instanceof ConfigurationError) return `refused at the start: ${error.message}`;
    if (!(error instanceof HandshakeError)) throw error;
    // A caller that is refused learns the reason; the rule is in the worker's event.
    const { evidence: { rule } } = error;
    return [error.peerReason ?? error.reason, ...rule === undefined ? [] : [rule]].join(": ");
  }
}
