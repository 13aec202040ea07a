import { Overloaded, type SelvageError, unusable } from "../../errors/mod.ts";
import { headerValue } from "../../http2/mod.ts";
import type { CallPeer } from "../../routine/mod.ts";
import type { ConnectedPeer } from "../connected_peer.ts";
import type { ArrivingCall } from "../../rpc/mod.ts";

/** What an {@linkcode AdmitCall} is given about a call. */
export interface AdmittableCall {
  /** What is called: a routine's name, or `package.Service/Method`. */
  readonly name: string;
  /** Who calls. */
  readonly peer: CallPeer;
  /** The claims of the caller's token, where one was verified. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The time the caller gives the call, in milliseconds, where it gives one. */
  readonly timeoutMs?: number;
  /** Calls that run now. */
  readonly inFlight: number;
  /** Calls that wait for a place now. */
  readonly queued: number;
  /** A header of the request. */
  header(name: string): string | undefined;
}

/**
 * Decides whether a worker takes a call now: `true` or nothing takes it, `false` or a text, which says why,
 * refuses it as `Overloaded`. It is asked of every call that is allowed, before the call gets a place. It
 * decides about load, never about rights: what it is given of the call besides `peer` and `claims` is unverified.
 */
export type AdmitCall = (
  call: AdmittableCall,
) => boolean | string | void | Promise<boolean | string | void>;

/** What asking the hook takes. */
export interface AdmitHookOptions {
  readonly admit: AdmitCall;
  /** What is in and what waits. */
  readonly load: () => Pick<AdmittableCall, "inFlight" | "queued">;
  /** Called with what the hook throws. */
  readonly failed: (error: unknown) => void;
}

/** @throws {ConfigurationError} If the setting is no function. */
export function insistOnAdmit(admit: AdmitCall | undefined): void {
  if (admit === undefined || typeof admit === "function") return;
  throw unusable("admit", "admit is a function that says whether the worker takes a call");
}

/** Asks the hook about one call. @returns why the call is refused; a hook that throws refuses it. */
export function askAdmitHook(
  { admit, load, failed }: AdmitHookOptions,
  name: string,
  { fields, peer, timeoutMs }: ArrivingCall<ConnectedPeer>,
  claims: AdmittableCall["claims"],
): SelvageError | undefined | Promise<SelvageError | undefined> {
  const refuse = (error: unknown): SelvageError => {
    failed(error);
    return FAILED;
  };
  try {
    const answer = admit({
      name,
      peer: peer.caller,
      ...load(),
      ...(claims === undefined ? {} : { claims }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      header: (name) => headerValue(fields, name.toLowerCase()),
    });
    // It may be a promise of another kind than the platform's.
    return typeof answer === "object" && answer !== null && "then" in answer
      ? Promise.resolve(answer).then(refusalOf, refuse)
      : refusalOf(answer);
  } catch (error) {
    return refuse(error);
  }
}

function refusalOf(answer: boolean | string | void): SelvageError | undefined {
  if (answer === false) return REFUSED;
  return typeof answer === "string" ? new Overloaded(answer) : undefined;
}

const REFUSED = new Overloaded("the worker's admit hook refuses the call");
const FAILED = new Overloaded("the worker's admit hook failed");
