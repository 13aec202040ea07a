/** RFC 1035 §2.3.4, without the root's dot. */
export const MAX_HOST_NAME = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Whether the text is a host name in letters, digits and hyphens (RFC 1123 §2.1), no wildcard. */
export function isHostName(text: string): boolean {
  return text.length <= MAX_HOST_NAME && text.split(".").every((label) => LABEL.test(label));
}

/** Whether a name is, in its labels, at or below another; both lower case. */
export function isWithin(name: string, base: string): boolean {
  return base === "" || name === base || name.endsWith(`.${base}`);
}
