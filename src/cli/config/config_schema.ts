import type { Option } from "commander";
import { kindOf, leastOf } from "../flag.ts";
import { CONFIG_FLAG } from "./config_file.ts";
import type { Leaf } from "./leaves.ts";

/** The JSON schema of a file of settings, made from the flags of every command. */
export function configSchema(leaves: readonly Leaf[]): Readonly<Record<string, unknown>> {
  return {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://selvage.invalid/config.schema.json",
    title: "Selvage settings",
    description: "A value for each flag of the selvage command, by its name in camel case.",
    type: "object",
    additionalProperties: false,
    properties: {
      "$schema": { type: "string" },
      ...properties(leaves.flatMap(({ command }) => command.options)),
      commands: {
        description: "Settings of one command, used over those of all.",
        type: "object",
        additionalProperties: false,
        properties: Object.fromEntries(
          leaves.map(({ name, command }) => [name, {
            type: "object",
            additionalProperties: false,
            properties: properties(command.options),
          }]),
        ),
      },
    },
  };
}

/** By setting; one that commands take differently may be any of those. */
function properties(options: readonly Option[]): Readonly<Record<string, unknown>> {
  const settings = Map.groupBy(
    options.filter(({ long }) => long !== CONFIG_FLAG),
    (option) => option.attributeName(),
  );
  return Object.fromEntries(
    [...settings].map(([name, options]) => {
      const distinct = new Map(options.map((one) => [JSON.stringify(typeOf(one)), one]));
      const [only, ...others] = [...distinct.values()];
      if (others.length > 0) return [name, { anyOf: [only!, ...others].map(typeOf) }];
      const [description = ""] = only!.description.split(" (env:");
      return [name, { description, ...typeOf(only!) }];
    }),
  );
}

function typeOf(option: Option): Readonly<Record<string, unknown>> {
  const text = { type: "string", minLength: 1 };
  switch (kindOf(option)) {
    case "switch":
      return { type: "boolean" };
    case "timeout":
      return { anyOf: [text, { type: "integer", minimum: 1 }] };
    case "count":
      return { type: "integer", minimum: leastOf(option) };
    case "list":
    case "paths":
      return { anyOf: [text, { type: "array", items: text, minItems: 1 }] };
    default:
      return option.argChoices === undefined ? text : { enum: option.argChoices };
  }
}
