import type { DescMethod } from "@bufbuild/protobuf";
import { ROUTINE_HEADER } from "../../routine/mod.ts";
import { type PreparedRequest, prepareRequest, type RpcLimits } from "../../rpc/mod.ts";

/** Routines whose requests are kept prepared; a program calls fewer. */
const MAX_PREPARED = 4_096;

/** The requests of one method, prepared for each routine that is called through it. */
export class PreparedRequests<Method extends DescMethod> {
  readonly #method: Method;
  readonly #limits: Partial<RpcLimits>;
  readonly #prepared = new Map<string, PreparedRequest<Method>>();

  constructor(method: Method, limits: Partial<RpcLimits>) {
    this.#method = method;
    this.#limits = limits;
  }

  /** The request that calls a routine, prepared when it is first asked for. */
  of(routine: string): PreparedRequest<Method> {
    const known = this.#prepared.get(routine);
    if (known !== undefined) return known;
    if (this.#prepared.size === MAX_PREPARED) this.#prepared.clear();
    const fields = [ROUTINE_HEADER, routine];
    const prepared = prepareRequest(this.#method, { fields, limits: this.#limits });
    this.#prepared.set(routine, prepared);
    return prepared;
  }
}
