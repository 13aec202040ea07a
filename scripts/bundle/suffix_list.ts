/** In place of `src/identity/names/suffix_list.ts` in bundles: most workers never ask the list, which takes 3 MiB. */
type SuffixList = typeof import("../../src/identity/names/suffix_list.ts");

/** The bundler makes it a module of the bundle that is evaluated when it is first called. */
declare const require: (name: "tldts") => SuffixList;

/** Asks the list of public suffixes, which is evaluated with the first question. */
export const getPublicSuffix: SuffixList["getPublicSuffix"] = (url, options) =>
  require("tldts").getPublicSuffix(url, options);
