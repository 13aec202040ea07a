/**
 * The routines of the deployments in this folder; put your own modules in their place.
 *
 * @module
 */
import { routine } from "@selvage/runtime/routine";

/** Adds two numbers. */
export const add = routine("math.add", { idempotent: true }, (a: number, b: number) => a + b);
