/** The module that a thread begins with; where threads are allowed, reading it must be. */
export const threadEntry: URL = new URL("./thread_entry.ts", import.meta.url);
