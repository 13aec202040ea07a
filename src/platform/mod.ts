/**
 * What the caller's side needs of its platform beyond the web's and Node's own modules, on Deno and on Node.
 *
 * @module
 */
export { fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex } from "./byte_text.ts";
export { collectGarbage } from "./collect_garbage.ts";
export { environmentVariable } from "./environment.ts";
export { type FolderChange, type FolderChanges, watchFolder } from "./folder_changes.ts";
export { isInputFailure, noteInputFailure } from "./input_failures.ts";
export { keptContext } from "./kept_context.ts";
export { mayConnect, mayRead, mayReadNow, mayReadUserId, wantsPermission } from "./permissions.ts";
export { requireDeno, runsOnDeno } from "./runtime.ts";
export { type Scope, type ScopedValue, scopedValue, scopeHere } from "./scoped_value.ts";
export {
  failureName,
  isForbidden,
  isMissing,
  readingFailure,
  systemCodeOf,
} from "./system_errors.ts";
export { closeUnusedTimers, type Deadline, expireAfter, type Expiring } from "./shared_timers.ts";
export { NoTextFile, readTextFile } from "./text_file.ts";
export { keepProcess, letProcessEnd } from "./timers.ts";
export { markUntransferable } from "./untransferable.ts";
export { YoungBuffers, youngBuffers, type YoungHeap } from "./young_buffers.ts";
