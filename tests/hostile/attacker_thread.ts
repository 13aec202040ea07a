/** Attacks again and again, on a thread of its own, until it is asked to stop. */
import type { Target } from "./attacker.ts";
import { attacks } from "./attacks.ts";

/** What the thread is to do. */
export interface Orders {
  readonly target: Target;
  /** The attacks, by name, one after the other and from the first again. */
  readonly attacks: readonly string[];
}

/** What it has done once it was asked to stop. */
export interface Deeds {
  readonly attempts: number;
  /** Answers that were not those of the RFC. */
  readonly wrong: readonly string[];
}

const thread = globalThis as unknown as {
  onmessage: (event: MessageEvent<Orders | "stop">) => void;
  postMessage(deeds: Deeds): void;
};
let stopped = false;

thread.onmessage = ({ data }) => {
  if (data === "stop") stopped = true;
  else void attack(data);
};

async function attack(orders: Orders): Promise<void> {
  stopped = false;
  const chosen = attacks.filter(({ name }) => orders.attacks.includes(name));
  const wrong: string[] = [];
  let attempts = 0;
  while (!stopped) {
    for (const { name, answer, attack } of chosen) {
      if (stopped) break;
      const found = await attack(orders.target);
      if (found !== answer) wrong.push(`${name}: ${found}, not ${answer}`);
      attempts += 1;
    }
  }
  thread.postMessage({ attempts, wrong });
}
