/**
 * Whether a program that a test needs is installed. Where it is not, the test says so and is ignored.
 *
 * @param name The program, `dnsmasq` for instance.
 * @param folders Where else it may be, besides the folders of `PATH`.
 * @returns Its path.
 */
export function installed(
  name: string,
  folders: readonly string[] = ["/usr/sbin"],
): string | undefined {
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), ...folders]) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // It is not here.
    }
  }
  console.log(`${name} is not installed: the tests that need it are ignored`);
  return undefined;
}

/** Below those that Linux gives out for port 0 and for outgoing connections, which others may get at any time. */
const PORTS = { from: 12_000, to: 32_000 } as const;

/**
 * A TCP port of loopback that nobody listens on now, for programs that take no port 0; it stays free while such a
 * program is started again.
 */
export function freePort(): number {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
