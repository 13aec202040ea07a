import { bombTraps } from "./bomb_traps.ts";
import { connectionTraps } from "./connection_traps.ts";
import { floodTraps } from "./flood_traps.ts";
import { headerTraps } from "./header_traps.ts";
import { messageTraps } from "./message_traps.ts";
import { slowTraps } from "./slow_traps.ts";
import { stateTraps } from "./state_traps.ts";
import type { Trap } from "./trap.ts";
import { windowTraps } from "./window_traps.ts";

/** Every trap there is. */
export const traps: readonly Trap[] = [
  ...floodTraps,
  ...headerTraps,
  ...windowTraps,
  ...messageTraps,
  ...bombTraps,
  ...slowTraps,
  ...stateTraps,
  ...connectionTraps,
];
