import { escapePeerText } from "../errors/mod.ts";
import type { PeerRef } from "../observe/mod.ts";
import type { AcceptedPeer } from "../peer/mod.ts";
import type { PolicySubject } from "../policy/mod.ts";
import type { CallPeer } from "../routine/mod.ts";

/** A peer of this worker, with what its calls are told of it: made once a connection. */
export class ConnectedPeer {
  /** Who it is, as routines are told. */
  readonly caller: CallPeer;
  /** Who it is among peers, over however many connections: its identity, and the host it is at. */
  readonly key: string;
  /** Who it is, as events name it. */
  readonly ref: PeerRef;
  /** Who it is, as a policy judges it. */
  readonly subject: PolicySubject;
  /** What its calls are admitted with where no policy decides about them, the same for each. */
  readonly admitted: { readonly peer: ConnectedPeer };

  /** A peer that a listener has accepted. */
  constructor({ identity, remoteAddress, facts }: AcceptedPeer) {
    this.caller = Object.freeze({
      ...(identity === undefined ? {} : { identity: identity.name }),
      names: identity?.names ?? [],
      address: remoteAddress,
      security: facts.security,
    });
    this.ref = {
      address: remoteAddress,
      ...(identity === undefined ? {} : { identity: escapePeerText(identity.name) }),
    };
    this.key = `${identity?.name ?? ""} ${remoteAddress.replace(/:\d+$/, "")}`;
    this.subject = { identity, claims: undefined };
    this.admitted = { peer: this };
  }
}
