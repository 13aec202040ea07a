import { createAuthority, Credentials, type IssuedCertificate } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { digest } from "./routines.ts";

const WORKER = "spiffe://demo.selvage/worker";

/**
 * Calls a worker that says it is the one we look for, with a certificate of another authority.
 *
 * @returns How it was refused.
 */
export async function tryImpostor(): Promise<HandshakeError> {
  const ours = createAuthority({ name: "the demo's authority" });
  const theirs = createAuthority({ name: "the impostor's authority" });
  await using impostor = await WorkerServer.start({
    listen: "127.0.0.1:0",
    credentials: credentialsOf(theirs.issue({ name: "worker", spiffe: WORKER })),
    allow: "*",
    routines: [digest],
  });
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${impostor.address}`,
    credentials: credentialsOf(
      ours.issue({ name: "demo", spiffe: "spiffe://demo.selvage/caller" }),
    ),
    identity: WORKER,
  });
  try {
    await dispatcher.call(digest, [new Uint8Array()], { timeoutMs: 10_000 });
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error("the impostor's answer was accepted");
}

function credentialsOf({ caPem, certPem, keyPem }: IssuedCertificate): Credentials {
  return Credentials.fromPem({ ca: caPem, cert: certPem, key: keyPem });
}
