/**
 * A worker over mutual TLS that verifies tokens, or none, in a process of its own: its settings come on standard
 * input as one line of JSON, its address goes to standard output.
 *
 * @module
 */
import { Credentials } from "../../mod.ts";
import { readLines } from "../../src/pool/line_reader.ts";
import { jwt, type JwtOptions, WorkerServer } from "../../src/worker/entry.ts";
import type { CredentialPem } from "../../src/credentials/mod.ts";
import * as routines from "./routines.ts";

/** What the worker is started with. */
export interface TokenWorkerSettings {
  readonly pem: CredentialPem;
  readonly tokens?: JwtOptions;
}

if (import.meta.main) {
  const { value: line = "{}" } = await readLines(Deno.stdin.readable).next();
  const { pem, tokens }: TokenWorkerSettings = JSON.parse(line);
  const worker = await WorkerServer.start({
    routines,
    credentials: Credentials.fromPem(pem),
    allow: "*",
    ...(tokens === undefined ? {} : { authenticate: jwt(tokens) }),
  });
  console.log(worker.address);
}
