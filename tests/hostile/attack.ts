import { Attacker, type Greeting, type Target } from "./attacker.ts";

/** Something that a peer does to harm, and what it gets for it. */
export interface Attack {
  readonly name: string;
  /** The worker's answer: `GOAWAY code`, `RST_STREAM code`, a status, or `closed`. */
  readonly answer: string;
  /** The answer without TLS, where it is another; `"none"` where there is no such attack. */
  readonly inPlaintext?: string;
  /** Whether it is about time: the worker it attacks has short limits. Default: `false`. */
  readonly slow?: boolean;
  /** How many do it at once. Default 1. */
  readonly times?: number;
  /** Does it once, and gives the answer. */
  attack(target: Target): Promise<string>;
}

/** The id of the stream an honest call is made on after an attack that its connection outlives. */
const LATER = 0x7fff_fff1;

/** What an attack is made of besides its frames. */
export interface AttackOptions extends Greeting {
  readonly slow?: boolean;
  readonly times?: number;
}

/** An attack that costs the attacker its connection. */
export function onConnection(
  name: string,
  answer: string,
  attack: (attacker: Attacker) => Promise<void>,
  options: AttackOptions = {},
): Attack {
  return {
    name,
    answer,
    ...options,
    attack: async (target) => {
      using attacker = await Attacker.greet(target, options);
      await attack(attacker);
      return await attacker.verdict();
    },
  };
}

/** An attack that costs the attacker stream 1 and no more: its connection still serves. */
export function onStream(
  name: string,
  answer: string,
  attack: (attacker: Attacker) => Promise<void>,
  options: AttackOptions = {},
): Attack {
  return {
    name,
    answer,
    ...options,
    attack: async (target) => {
      using attacker = await Attacker.greet(target, options);
      await attack(attacker);
      const found = await attacker.answer(1);
      const served = await attacker.call(LATER);
      return served === "200" ? found : `${found}, then ${served}`;
    },
  };
}
