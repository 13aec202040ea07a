import { flag } from "../flag.ts";
import { applyConfig } from "./apply_config.ts";
import { CONFIG_FLAG, readConfig } from "./config_file.ts";
import type { Leaf } from "./leaves.ts";

/**
 * Adds the flag that names a file of settings.
 *
 * @param leaf The command that has it.
 * @param every All commands that a file may have settings of.
 */
export function withConfigFlag(
  { name, command }: Leaf,
  every: () => readonly Leaf[] | Promise<readonly Leaf[]>,
): void {
  command.addOption(flag(`${CONFIG_FLAG} <FILE>`, "settings of flags, JSON with comments"));
  command.hook("preAction", async () => {
    const { config } = command.opts<{ readonly config?: string }>();
    if (config !== undefined) applyConfig(command, name, await readConfig(config, await every()));
  });
}
