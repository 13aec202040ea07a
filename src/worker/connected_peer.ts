import { escapePeerText } from "../errors/mod.ts";
import type { PeerRef } from "../observe/mod.ts";
import type { AcceptedPeer } from "../peer/mod.ts";
import type { CallPeer } from "../routine/mod.ts";

/** A peer of this worker, with what its calls are told of it: made once a connection. */
export class ConnectedPeer {
  /** Who it is, as routines are told. */
  readonly caller: CallPeer;
  /** Who it is among peers, over however many connections: its identity, and the host it is at. */
  readonly key: string;
  /** Who it is, as events name it. */
  readonly ref: PeerRef;
  /** What its calls are admitted with, the same for each. */
  readonly admitted: AdmittedCall;

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
    this.admitted = { peer: this };
  }
}

/** What a call was admitted with. */
export interface AdmittedCall {
  /** Who calls. */
  readonly peer: ConnectedPeer;
}
