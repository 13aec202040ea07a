/** Servers that take their time: what is waited for here is mostly the clock. */
import { DispatcherStage } from "./dispatcher_stage.ts";
import { traps } from "./traps.ts";
import { withstands } from "./withstands.ts";

for (const security of ["mutual-tls", "plaintext"] as const) {
  const slow = traps.filter(({ inPlaintext, slow }) =>
    slow === true && (security === "mutual-tls" || inPlaintext !== "none")
  );

  Deno.test(`a dispatcher over ${security} does not wait for servers that take their time`, async () => {
    await using stage = await DispatcherStage.open(security, "impatient");
    await withstands(stage, slow, security);
  });
}
