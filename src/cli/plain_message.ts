import type { LogRecord, TextFormatter } from "@logtape/logtape";
import { escapePeerText } from "../errors/mod.ts";

/** The longest text within a message, in characters: what redaction leaves of one. */
const MAX_TEXT = 4 * 1024;

/**
 * Has a formatter write the texts of a message without quotation marks, as a sentence of the log reads. What
 * could leave its line is escaped, for texts may be a peer's.
 */
export function plain(format: TextFormatter): TextFormatter {
  return (record) => format({ ...record, message: plainMessage(record.message) });
}

/** Sentences and values take turns, as LogTape has them; texts and numbers become part of the sentence. */
function plainMessage(message: LogRecord["message"]): unknown[] {
  const joined: unknown[] = [""];
  const say = (text: string): void => {
    const sentence = joined.at(-1);
    joined[joined.length - 1] = `${sentence}${text}`;
  };
  message.forEach((part, index) => {
    if (index % 2 === 0) say(String(part));
    else if (typeof part === "string") say(escapePeerText(part, MAX_TEXT));
    else if (typeof part === "number" || typeof part === "boolean") say(String(part));
    else joined.push(part, "");
  });
  return joined;
}
