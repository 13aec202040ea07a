import { runsOnDeno } from "./runtime.ts";

/** Whether a path may be read without a prompt to the person at the terminal. */
export async function mayRead(path: string): Promise<boolean> {
  return !runsOnDeno || (await Deno.permissions.query({ name: "read", path })).state === "granted";
}

/** The same, at once. */
export function mayReadNow(path: string): boolean {
  return !runsOnDeno || Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** Whether the id of our user may be read without a prompt. */
export function mayReadUserId(): boolean {
  return !runsOnDeno ||
    Deno.permissions.querySync({ name: "sys", kind: "uid" }).state === "granted";
}

/**
 * Whether an address may be listened on or dialled, once a person at the terminal has been asked, as Deno would ask.
 *
 * @param host HOST:PORT, [IPv6]:PORT, or a host alone.
 */
export async function mayConnect(host: string): Promise<boolean> {
  return !runsOnDeno || (await Deno.permissions.request({ name: "net", host })).state === "granted";
}

/** Whether an operation failed for want of a permission of Deno's. */
export function wantsPermission(error: unknown): boolean {
  return runsOnDeno && error instanceof Deno.errors.NotCapable;
}
