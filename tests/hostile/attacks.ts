import type { Attack } from "./attack.ts";
import { floods } from "./floods.ts";
import { headerAttacks } from "./header_attacks.ts";
import { silentConnections } from "./silent_connections.ts";
import { slowAttacks } from "./slow_attacks.ts";
import { stateAttacks } from "./state_attacks.ts";
import { windowAttacks } from "./window_attacks.ts";

/** Every attack there is. */
export const attacks: readonly Attack[] = [
  ...floods,
  silentConnections,
  ...headerAttacks,
  ...windowAttacks,
  ...slowAttacks,
  ...stateAttacks,
];
