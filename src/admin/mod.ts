/**
 * The admin socket: shows a worker or a dispatcher to its own user, and changes nothing.
 *
 * @module
 */
export { type AdminOptions, openAdmin } from "./admin.ts";
