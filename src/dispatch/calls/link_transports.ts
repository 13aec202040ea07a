import type { Transport } from "@connectrpc/connect";
import { createTransport, type Place, type RpcLimits } from "../../rpc/mod.ts";
import type { RequestFields } from "./call_settings.ts";
import type { Link } from "../fleet/link.ts";

/** One transport a connection, made when it is first needed. */
export class LinkTransports {
  readonly #limits: Partial<RpcLimits>;
  readonly #fields: RequestFields | undefined;
  readonly #transports = new WeakMap<Link, Transport>();

  /**
   * Nothing is made yet.
   *
   * @param limits of every call.
   * @param fields that every request carries besides its own.
   */
  constructor(limits: Partial<RpcLimits>, fields?: RequestFields) {
    this.#limits = limits;
    this.#fields = fields;
  }

  /** The transport whose calls all go over that connection. */
  over(link: Link): Transport {
    const known = this.#transports.get(link);
    if (known !== undefined) return known;
    const transport = createTransport({ limits: this.#limits, place: this.#placeOn(link) });
    this.#transports.set(link, transport);
    return transport;
  }

  #placeOn(link: Link): Place {
    const { connection } = link;
    const fields = this.#fields;
    if (fields === undefined) return () => ({ connection });
    return async () => ({ connection, fields: await fields(link) });
  }
}
