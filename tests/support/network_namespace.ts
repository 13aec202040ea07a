import { installed } from "./program.ts";

const ip = installed("ip", ["/usr/sbin", "/sbin"]);

/** An address of the link layer that no machine has. */
const NOBODY = "02:00:00:00:00:fe";

/** Whether this process may make network namespaces: it is root, and has `ip`. */
export const canMakeNetworks: boolean = ip !== undefined && Deno.uid() === 0 &&
  isMade("probe");

/** Two machines with a cable between them: network namespaces that are gone with the test. */
export class TwoMachines implements Disposable {
  /** The namespaces, in the order of their addresses: 10.77.0.1 and 10.77.0.2. */
  readonly names: readonly [string, string];

  constructor() {
    const tag = crypto.randomUUID().slice(0, 8);
    this.names = [`selvage-${tag}-a`, `selvage-${tag}-b`];
    const [a, b] = this.names;
    for (const name of this.names) run("netns", "add", name);
    run("-n", a, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b);
    this.names.forEach((name, at) => {
      run("-n", name, "addr", "add", `10.77.0.${at + 1}/24`, "dev", "eth0");
      run("-n", name, "link", "set", "lo", "up");
      run("-n", name, "link", "set", "eth0", "up");
    });
  }

  /** What runs a program on one of them: a program, and its arguments. */
  on(
    machine: 0 | 1,
    program: string,
    args: readonly string[],
  ): readonly [program: string, args: readonly string[]] {
    return [ip!, ["netns", "exec", this.names[machine], program, ...args]];
  }

  /** Runs `ip ARGS` on one of them. */
  configure(machine: 0 | 1, ...args: string[]): void {
    run("-n", this.names[machine], ...args);
  }

  /** What one of them sends to an address of the other is lost from now on, without an error at either. */
  lose(from: 0 | 1, to: string): void {
    this.configure(
      from,
      ...["neigh", "replace", to, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent"],
    );
  }

  /** It arrives again. */
  deliver(from: 0 | 1, to: string): void {
    this.configure(from, "neigh", "del", to, "dev", "eth0");
  }

  /** Has one of them send by a queueing discipline (`tc`). @returns whether the kernel has that. */
  shape(machine: 0 | 1, ...discipline: string[]): boolean {
    const [program, args] = this.on(
      machine,
      "tc",
      ["qdisc", "replace", "dev", "eth0", "root", ...discipline],
    );
    return new Deno.Command(program, { args: [...args], stderr: "null" }).outputSync().success;
  }

  /** Sends as before. */
  unshape(machine: 0 | 1): void {
    const [program, args] = this.on(machine, "tc", ["qdisc", "del", "dev", "eth0", "root"]);
    new Deno.Command(program, { args: [...args] }).outputSync();
  }

  [Symbol.dispose](): void {
    for (const name of this.names) run("netns", "del", name);
  }
}

function run(...args: string[]): void {
  const { success, stderr } = new Deno.Command(ip!, { args }).outputSync();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether a namespace can be made: in a container that may be forbidden. */
function isMade(tag: string): boolean {
  const name = `selvage-${tag}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    run("netns", "add", name);
    run("netns", "del", name);
    return true;
  } catch (error) {
    console.log(`network namespaces cannot be made here: ${(error as Error).message.trim()}`);
    return false;
  }
}
