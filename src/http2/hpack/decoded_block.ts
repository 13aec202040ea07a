import type { HeaderList } from "../header_list.ts";

/** A decoded header block. Equal blocks at one state of the table share one, and with it its `note`. */
export interface DecodedBlock<Note> {
  /** The fields, or the first of them where the list is over the limit. */
  readonly fields: HeaderList;
  /** What the list counts, RFC 9113 §6.5.2. */
  readonly listBytes: number;
  /** What the caller found out about the list, kept here for equal blocks to come. */
  note: Note | undefined;
}
