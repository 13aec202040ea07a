/** The most of a peer's text that is shown. */
export const PEER_TEXT_LIMIT = 256;

/**
 * Makes text that a peer made fit to be shown: control characters, line and paragraph separators,
 * direction marks and lone surrogates are written as escapes, so that it can neither break out of
 * its line nor reorder it; the rest is cut at `limit` characters, with `…` where something was left off.
 *
 * @param text Text from a certificate, a header, an announcement or an error of a peer.
 * @param limit The longest result, in UTF-16 code units. Default 256.
 * @returns The same text for a harmless one.
 *
 * @example
 * ```ts
 * import { escapePeerText } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(escapePeerText("worker\r\n\u001b[31m"), "worker\\r\\n\\u001b[31m");
 * ```
 */
export function escapePeerText(text: string, limit: number = PEER_TEXT_LIMIT): string {
  const escaped = text.slice(0, limit).toWellFormed().replace(UNSAFE, escape);
  if (text.length <= limit && escaped.length <= limit) return escaped;
  return withoutTornEscape(escaped.slice(0, limit - 1)) + "…";
}

/** Controls (Cc), formats (Cf: direction marks, joiners, tags), separators (Zl, Zp), private and unassigned ones. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** A cut through an escape or a surrogate pair would show half of it. */
function withoutTornEscape(text: string): string {
  return text.replace(
    /\\(u(\{?[0-9a-f]{0,6})?)?$/,
    (tail) => COMPLETE_ESCAPE.test(tail) ? tail : "",
  )
    .replace(/[\ud800-\udbff]$/, "");
}

const COMPLETE_ESCAPE = /^\\u[0-9a-f]{4}$/;
