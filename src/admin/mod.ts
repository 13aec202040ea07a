/**
 * The admin socket: shows a worker or a dispatcher to its own user, and changes nothing.
 *
 * @module
 */
export { openAdmin } from "./admin.ts";
