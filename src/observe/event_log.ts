import type { LogLevel } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import type { EventOf, EventType, SelvageEvent } from "./event.ts";
import { loggerFor, type LogPart } from "./logger.ts";
import { WarningLimiter } from "./warning_limiter.ts";

/** Writes events to the log, the repetitive ones at a limited rate. */
export class EventLog {
  readonly #limiter: WarningLimiter;

  /** Limits warnings by `clock`. */
  constructor(clock: Clock) {
    this.#limiter = new WarningLimiter(clock);
  }

  /** Writes one event, where anyone listens for its level. */
  write(event: SelvageEvent): void {
    const line = LINES[event.type] as Line<SelvageEvent>;
    const logger = loggerFor(line.part);
    if (!logger.isEnabledFor(line.level)) return;
    if (line.limitBy === undefined) {
      logger[METHODS[line.level]](line.text, { ...event });
      return;
    }
    const [word, peer] = line.limitBy(event);
    const admitted = this.#limiter.admit(`${event.type} ${word}`, peer);
    if (admitted !== undefined) logger[METHODS[line.level]](line.text, { ...event, ...admitted });
  }

  /** Tells what was held back and not told yet. */
  flush(): void {
    for (const [kind, heldBack] of this.#limiter.drain()) {
      loggerFor("security").warn("{heldBack} more warnings of {kind} were held back", {
        kind,
        heldBack,
      });
    }
  }
}

interface Line<Event> {
  readonly part: LogPart;
  readonly level: Exclude<LogLevel, "trace" | "fatal">;
  /** The sentence; names in braces are members of the event. */
  readonly text: string;
  /** The word and the peer by which the warning's rate is limited. */
  readonly limitBy?: (event: Event) => readonly [word: string, peer: string];
}

const METHODS = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;

const LINES: { readonly [Type in EventType]: Line<EventOf<Type>> } = {
  "worker.ready": {
    part: "worker",
    level: "info",
    text: "worker {workerId} is ready at {address} ({security})",
  },
  "worker.draining": {
    part: "worker",
    level: "info",
    text: "worker {workerId} drains {inFlight} calls within {graceMs} ms",
  },
  "worker.stopped": {
    part: "worker",
    level: "info",
    text: "worker {workerId} stopped; {abandoned} calls were cut off",
  },
  "worker.crashed": {
    part: "pool",
    level: "error",
    text: "worker {workerId} crashed: {message}",
  },
  "worker.unresponsive": {
    part: "pool",
    level: "error",
    text: "worker {workerId} has answered nothing for {silentMs} ms and is ended",
  },
  "worker.blocked": {
    part: "worker",
    level: "warning",
    text:
      "routine {routine} has blocked the event loop of worker {workerId} for {blockedMs} ms; one " +
      'that computes for long belongs in a thread (run: "thread")',
  },
  "worker.restarted": {
    part: "pool",
    level: "info",
    text: "worker {workerId} stands in for {previousId} (start {attempt})",
  },
  "listener.generation": {
    part: "listener",
    level: "info",
    text: "listener generation {generation} is {state} with {connections} connections",
  },
  "listener.failed": {
    part: "listener",
    level: "error",
    text: "{address} takes no connections: {message}; listening again in {retryInMs} ms",
    limitBy: ({ workerId, address }) => [workerId, address],
  },
  "listener.recovered": {
    part: "listener",
    level: "warning",
    text: "{address} takes connections again",
    limitBy: ({ workerId, address }) => [workerId, address],
  },
  "peer.accepted": {
    part: "peer",
    level: "debug",
    text: "{peer.identity} at {peer.address} is accepted ({security})",
  },
  "handshake.failed": {
    part: "handshake",
    level: "warning",
    text: "handshake with worker {worker.address} failed: {reason} ({side} side)",
    limitBy: ({ reason, worker }) => [reason, worker.address],
  },
  "handshake.refused": {
    part: "handshake",
    level: "warning",
    text: "handshake with client {peer.address} failed: {reason} ({side} side)",
    limitBy: ({ reason, peer }) => [reason, host(peer.address)],
  },
  "credentials.rotated": {
    part: "credentials",
    level: "info",
    text: "credentials generation {generation} is in use: {fingerprint}",
  },
  "credentials.rejected": {
    part: "credentials",
    level: "error",
    text: "credentials cannot be used: {reason}: {message}",
  },
  "credentials.advice": {
    part: "credentials",
    level: "warning",
    text: "{total} things about our certificates could be better: {advice}",
  },
  "credentials.expiring": {
    part: "credentials",
    level: "warning",
    text: "our certificate has {secondsLeft} s left ({stage})",
  },
  "security.posture": {
    part: "security",
    level: "info",
    text: "security: {security}, strict {strict}, policy {policy}, tokens {tokens}",
  },
  "security.unauthenticated-listener": {
    part: "security",
    level: "warning",
    text: "anyone who can reach {address} may call ({security})",
  },
  "security.plaintext-caller": {
    part: "security",
    level: "warning",
    text: "a caller without TLS was served: {peer.address}",
    limitBy: ({ peer }) => ["plaintext", host(peer.address)],
  },
  "security.loopback-announced": {
    part: "security",
    level: "warning",
    text: "{address} is announced through {source}, where others cannot reach it",
  },
  "policy.changed": {
    part: "policy",
    level: "info",
    text: "a policy of {rules} rules is in force: {fingerprint}",
  },
  "policy.rejected": {
    part: "policy",
    level: "error",
    text: "the new policy is not used: {message}",
  },
  "dispatch.denied": {
    part: "dispatch",
    level: "warning",
    text: "{peer.identity} may not call {routine}: rule {rule}",
    limitBy: ({ rule, peer }) => [rule, peer.identity ?? host(peer.address)],
  },
  "dispatch.unauthenticated": {
    part: "dispatch",
    level: "warning",
    text: "a call of {routine} from {peer.address} is not authenticated: {reason}",
    limitBy: ({ reason, peer }) => [reason, peer.identity ?? host(peer.address)],
  },
  "dispatch.retried": {
    part: "dispatch",
    level: "debug",
    text: "{routine} goes to another worker than {worker.address}: {cause}",
  },
  "discovery.added": {
    part: "discovery",
    level: "info",
    text: "worker {worker.address} found through {source}",
  },
  "discovery.updated": {
    part: "discovery",
    level: "info",
    text: "worker {worker.address} changed its announcement at {source}",
  },
  "discovery.removed": {
    part: "discovery",
    level: "info",
    text: "worker {worker.address} is gone from {source}",
  },
  "discovery.failed": {
    part: "discovery",
    level: "warning",
    text: "discovery through {source} does not work now: {message}",
    limitBy: ({ source }) => ["failed", source],
  },
  "discovery.rejected": {
    part: "discovery",
    level: "warning",
    text: "an announcement at {source} is not believed: {message}",
    limitBy: ({ source, address }) => ["rejected", `${source} ${address ?? ""}`],
  },
};

/** An address without its port, which changes with every connection of a client. */
function host(address: string): string {
  return address.replace(/:\d+$/, "");
}
