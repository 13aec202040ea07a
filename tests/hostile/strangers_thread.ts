/** Presents chains that no authority has signed, so many a second, on a thread of its own. */

/** What the thread is to do. */
export interface StrangerOrders {
  readonly port: number;
  readonly perSecond: number;
  readonly chains: readonly { readonly ca: string; readonly cert: string; readonly key: string }[];
}

const thread = globalThis as unknown as {
  onmessage: (event: MessageEvent<StrangerOrders | "stop">) => void;
  postMessage(deeds: { refused: number; other: readonly string[] }): void;
};
let stopped = false;

thread.onmessage = ({ data }) => {
  if (data === "stop") stopped = true;
  else void attack(data);
};

async function attack({ port, perSecond, chains }: StrangerOrders): Promise<void> {
  stopped = false;
  let refused = 0;
  const other: string[] = [];
  const begun = performance.now();
  const under = new Set<Promise<void>>();
  for (let count = 0; !stopped; count++) {
    const chain = chains[count % chains.length]!;
    const attempt = present(port, chain).then((said) => {
      if (said === "untrusted-authority") refused += 1;
      else other.push(said);
    }).finally(() => under.delete(attempt));
    under.add(attempt);
    const wait = begun + (count + 1) * 1000 / perSecond - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  await Promise.all(under);
  thread.postMessage({ refused, other });
}

/** The reason that the worker gives, or what else becomes of the connection. */
async function present(
  port: number,
  { ca, cert, key }: StrangerOrders["chains"][number],
): Promise<string> {
  try {
    using conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port,
      caCerts: [ca],
      cert,
      key,
      alpnProtocols: ["h2"],
    });
    const bytes = new Uint8Array(1024);
    let text = "";
    for (let n; (n = await conn.read(bytes)) !== null;) {
      text += new TextDecoder("latin1").decode(bytes.subarray(0, n));
    }
    return /"refused":"([a-z-]+)"/.exec(text)?.[1] ?? "no reason";
  } catch (error) {
    return String(error);
  }
}
