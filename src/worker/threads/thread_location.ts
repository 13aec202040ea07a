/** The module that a thread begins with; whoever allows threads must allow it to be read. */
export const threadEntry: URL = new URL("./thread_entry.ts", import.meta.url);
