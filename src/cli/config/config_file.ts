import { resolve } from "node:path";
import { nearestName, unusable } from "../../errors/mod.ts";
import { parseJsonc } from "../../policy/mod.ts";
import { readText } from "../files.ts";
import type { Leaf } from "./leaves.ts";

/** The flag that names the file. */
export const CONFIG_FLAG = "--config";

/** Settings by the name of their flag in camel case: `drainGrace` for `--drain-grace`. */
export type Settings = Readonly<Record<string, unknown>>;

/** The settings of a file. */
export interface ConfigFile {
  /** Where it is, absolute. */
  readonly path: string;
  /** For every command that has such a flag. */
  readonly shared: Settings;
  /** For one command, by its full name; used over the shared ones. */
  readonly commands: Readonly<Record<string, Settings>>;
}

/**
 * Reads a file of settings.
 *
 * @throws {ConfigurationError} If it cannot be read, is not JSON with comments, or has a key that no
 * flag and no command has; the nearest is named.
 */
export async function readConfig(path: string, leaves: readonly Leaf[]): Promise<ConfigFile> {
  const text = await readText(path, "name a file of settings, or leave it out", CONFIG_FLAG);
  const root = objectIn(parseJsonc(text, path, CONFIG_FLAG), path);
  const { $schema: _schema, commands: inner = {}, ...shared } = root;
  const every = leaves.flatMap(({ command }) => settingsOf(command));
  refuseUnknown(Object.keys(shared), [...every, "commands"], path, "setting");
  const commands = objectIn(inner, `${path}: commands`);
  refuseUnknown(Object.keys(commands), leaves.map(({ name }) => name), path, "command");
  const byCommand = Object.entries(commands).map(([name, value]) => {
    const settings = objectIn(value, `${path}: commands.${name}`);
    const { command } = leaves.find((leaf) => leaf.name === name)!;
    refuseUnknown(Object.keys(settings), settingsOf(command), path, `setting of ${name}`);
    return [name, settings] as const;
  });
  return { path: resolve(path), shared, commands: Object.fromEntries(byCommand) };
}

/** The settings that a command has: every flag but the one that names the file. */
export function settingsOf({ options }: Leaf["command"]): readonly string[] {
  return options.filter(({ long }) => long !== CONFIG_FLAG).map((one) => one.attributeName());
}

function objectIn(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw unusable(CONFIG_FLAG, `${place} must be a JSON object`);
}

function refuseUnknown(
  keys: readonly string[],
  known: readonly string[],
  path: string,
  kind: string,
): void {
  for (const key of keys) {
    if (known.includes(key)) continue;
    const nearest = nearestName(key, new Set(known));
    const advice = nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
    throw unusable(key, `${path} has no ${kind} ${JSON.stringify(key)}${advice}`);
  }
}
