import { checkDiscovery } from "@selvage/runtime/testing";
import { httpDiscovery } from "./own_discovery.ts";

Deno.test("a discovery of one's own keeps to the contract", async () => {
  await using registry = openRegistry();
  await checkDiscovery(() => httpDiscovery(registry.url), { withinMs: 60_000 });
});

/** A registry that keeps what is written to it, and forgets what is not renewed. */
function openRegistry() {
  const workers = new Map<string, { readonly ends: number; readonly body: object }>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (req) => {
    const id = new URL(req.url).pathname.slice(1);
    if (req.method === "DELETE") workers.delete(id);
    else if (req.method === "PUT") {
      const { leaseMs, ...body } = await req.json();
      workers.set(id, { ends: Date.now() + leaseMs, body });
    } else {
      const registered = [...workers.values()].filter(({ ends }) => ends > Date.now());
      return Response.json(registered.map(({ body }) => body));
    }
    return new Response();
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
