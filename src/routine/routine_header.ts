import { InvalidPayload } from "../errors/mod.ts";

/** Names the routine outside of the message, so that a call is authorized before it is buffered. */
export const ROUTINE_HEADER = "selvage-routine";

/**
 * Insists that the header and the message of a call name one routine. The policy judged the one in
 * the header, which a foreign caller may leave out; the one in the message is what would run.
 *
 * @throws {InvalidPayload} If they differ.
 */
export function agreeOnRoutine(header: string | null | undefined, routine: string): void {
  if (header === null || header === undefined || header === routine) return;
  throw new InvalidPayload(
    `the ${ROUTINE_HEADER} header and the message of the call name different routines`,
    { path: "routine" },
  );
}
