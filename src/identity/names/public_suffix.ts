import { getPublicSuffix } from "./suffix_list.ts";

/**
 * Whether strangers register names right below this one (`com`, `co.uk`, `s3.amazonaws.com`),
 * so that a wildcard below it would stand for all of them.
 */
export function isPublicSuffix(name: string): boolean {
  const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false };
  return getPublicSuffix(name, options) === name;
}
