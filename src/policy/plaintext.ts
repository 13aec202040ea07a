import { type Address, formatAddress, isLocal } from "../channel/mod.ts";
import { unusable } from "../errors/mod.ts";

/** What is to be done about a channel without TLS: nothing, or a person is warned. */
export type PlaintextPosture = "accept" | "warn";

/**
 * Judges whether to speak plaintext at an address, where there are no credentials: on this machine
 * it is accepted, elsewhere a person is warned, and where `strict` it must not be TCP at all.
 *
 * @throws {ConfigurationError} if it is refused.
 */
export function plaintextPosture(address: Address, strict: boolean): PlaintextPosture {
  if (strict && address.kind === "tcp") {
    const what = `strict refuses plaintext at ${formatAddress(address)}`;
    throw unusable("credentials", `${what}; give credentials, or use a unix socket`);
  }
  return isLocal(address) ? "accept" : "warn";
}
