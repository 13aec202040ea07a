import type { Transport } from "@connectrpc/connect";
import { createTransport, type RpcLimits } from "../rpc/mod.ts";
import type { Link } from "./endpoint.ts";

/** One transport a connection, made when it is first needed. */
export class LinkTransports {
  readonly #limits: Partial<RpcLimits>;
  readonly #transports = new WeakMap<Link, Transport>();

  /** Nothing is made yet. */
  constructor(limits: Partial<RpcLimits>) {
    this.#limits = limits;
  }

  /** The transport whose calls all go over that connection. */
  over(link: Link): Transport {
    const known = this.#transports.get(link);
    if (known !== undefined) return known;
    const { connection } = link;
    const limits = this.#limits;
    const transport = createTransport({ limits, place: () => ({ connection }) });
    this.#transports.set(link, transport);
    return transport;
  }
}
