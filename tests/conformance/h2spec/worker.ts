/**
 * A worker for h2spec: plaintext, or one-way TLS with the argument `tls`. Prints its port and a path
 * that answers with a body, a moment later, so that streams can be above the limit at once.
 */
import { createAuthority } from "../../../src/credentials/mod.ts";
import { Credentials } from "../../../mod.ts";
import { WorkerServer } from "../../../src/worker/mod.ts";
import { echoService } from "../../support/echo.ts";
import { EchoService } from "../../support/gen/selvage/test/v1/echo_pb.ts";

const ANSWER_AFTER_MS = 100;
const STREAMS = 100;
const QUERY = `connect=v1&encoding=json&message=${
  encodeURIComponent('{"text":"from the other end of the wire"}')
}`;

const { cert, key } = certificate();
const worker = await WorkerServer.start({
  services: (router) => router.service(EchoService, { ...echoService(), echoWithoutSideEffects }),
  ...(Deno.args[0] === "tls"
    ? { credentials: Credentials.fromPem({ cert, key, oneWay: true }) }
    : {}),
  limits: { http2: { maxConcurrentStreams: STREAMS } },
});
const path = `/${EchoService.typeName}/EchoWithoutSideEffects?${QUERY}`;
console.log(JSON.stringify({ port: Number(worker.address.split(":").at(-1)), path }));

async function echoWithoutSideEffects(
  { text }: { readonly text: string },
): Promise<{ text: string }> {
  await new Promise((resolve) => setTimeout(resolve, ANSWER_AFTER_MS));
  return { text };
}

function certificate(): { cert: string; key: string } {
  const { certPem, keyPem } = createAuthority().issue({ name: "h2spec", dns: ["localhost"] });
  return { cert: certPem, key: keyPem };
}
