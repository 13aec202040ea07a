import type { Manners } from "../raw_peer.ts";
import type { Describe, Visitor } from "./visitor.ts";

/** How the dispatcher's program calls. */
export type CallKind =
  /** Once, with a small argument. */
  | "call"
  /** Once, with an argument of a mebibyte. */
  | "large"
  /** Once, as a client of a service. */
  | "service"
  /** For items, and reads all of them. */
  | "items"
  /** For items, reads one of them, and the others once the server has its answer. */
  | "unread";

/** Something that a server does to harm its callers, and the result. */
export interface Trap {
  readonly name: string;
  /** The outcome of the call: the name of its error and what else distinguishes it, or its result. */
  readonly comesTo: string;
  /** The same without TLS, where it is something else; `"none"` where there is no such trap. */
  readonly inPlaintext?: string;
  /** What the dispatcher does about it: `GOAWAY code`, `RST_STREAM code`, `closed`, `gone`, or `nothing`. */
  readonly answer: string;
  /** Default `"call"`. */
  readonly kind?: CallKind;
  /** The time the call is given, in milliseconds. Default: long. */
  readonly timeoutMs?: number;
  /** Whether it is about time: the dispatcher has short limits. Default: `false`. */
  readonly slow?: boolean;
  /** Whether the connection still serves afterwards. Default: `false`. */
  readonly survived?: boolean;
  /** Whether the server takes TCP connections and no more. Default: `false`. */
  readonly beneathTls?: boolean;
  /** What the server answers by itself. Default `"polite"`. */
  readonly manners?: Manners;
  /** What the server says of itself. Default: nothing. */
  readonly describe?: Describe;
  /** Whether nothing ends the connection but the dispatcher's leaving. Default: `false`. */
  readonly lasts?: boolean;
  /** Springs on the client that has connected, and gives the answer. */
  spring(visitor: Visitor): Promise<string>;
}

/** What a trap is made of besides its frames. */
export interface TrapOptions extends
  Pick<
    Trap,
    | "kind"
    | "timeoutMs"
    | "inPlaintext"
    | "slow"
    | "survived"
    | "beneathTls"
    | "manners"
    | "lasts"
    | "describe"
  > {
  /** What the server announces. Default: nothing. */
  readonly settings?: readonly (readonly [number, number])[];
}

/** The outcome of a call whose connection ended under it. */
export const LOST = "WorkerUnavailable";

/** The answer of a dispatcher that owes none, and leaves with a word or without. */
export const GONE = "gone";

/** A trap that costs the server its connection, with the call that is under way. */
export function onConnection(
  name: string,
  answer: string,
  spring: (visitor: Visitor, streamId: number) => Promise<void>,
  options: TrapOptions & { readonly comesTo?: string } = {},
): Trap {
  return {
    name,
    answer,
    comesTo: LOST,
    ...options,
    spring: async (visitor) => {
      await visitor.greet(...(options.settings ?? []));
      await spring(visitor, await called(visitor, options));
      return await visitor.verdict();
    },
  };
}

/** A trap that costs the server the call and no more: its connection still serves. */
export function onStream(
  name: string,
  comesTo: string,
  answer: string,
  spring: (visitor: Visitor, streamId: number) => Promise<void>,
  options: TrapOptions = {},
): Trap {
  return {
    name,
    answer,
    comesTo,
    survived: true,
    ...options,
    spring: async (visitor) => {
      await visitor.greet(...(options.settings ?? []));
      const id = await called(visitor, options);
      await spring(visitor, id);
      if (answer === GONE) return await gone(visitor);
      return answer === "nothing" ? await visitor.ended(id) : await visitor.ending(id);
    },
  };
}

/** A trap that springs at once, before any call. */
export function atOnce(
  name: string,
  comesTo: string,
  answer: string,
  spring: (visitor: Visitor) => Promise<void>,
  options: TrapOptions = {},
): Trap {
  return {
    name,
    answer,
    comesTo,
    ...options,
    spring: async (visitor) => {
      await spring(visitor);
      return answer === GONE ? await gone(visitor) : await visitor.verdict();
    },
  };
}

async function gone(visitor: Visitor): Promise<string> {
  await visitor.verdict();
  return GONE;
}

function called(visitor: Visitor, { kind = "call" }: TrapOptions): Promise<number> {
  switch (kind) {
    case "call":
      return visitor.call();
    case "large":
      return visitor.beginning();
    case "service":
      return visitor.serviceCall();
    default:
      return visitor.itemsCall();
  }
}
