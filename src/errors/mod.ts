/**
 * The errors of Selvage and the words in which a failed handshake is named.
 *
 * @module
 */
export { insistOnChoice } from "./choice.ts";
export { namingFile, unusable } from "./configuration_error.ts";
export * from "./entry.ts";
export { nearestName } from "./nearest_name.ts";
export {
  insistOnKind,
  insistOnModules,
  insistOnNames,
  isTextOrTexts,
  type OptionNames,
} from "./option_names.ts";
