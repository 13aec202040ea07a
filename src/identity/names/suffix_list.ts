/** Asks the list of public suffixes. A bundle has another form of this file: `scripts/bundle/suffix_list.ts`. */
export { getPublicSuffix } from "tldts";
