/** A module that speaks on the console, while it is loaded and while it serves. */
import { routine } from "../../src/contract/mod.ts";

console.log("said while it loads");

export const loud = routine("cli.loud", () => {
  console.info("said while it runs");
});
