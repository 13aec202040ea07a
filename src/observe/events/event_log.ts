import type { LogLevel } from "@logtape/logtape";
import { escapePeerText, type HandshakeEvidence } from "../../errors/mod.ts";
import type { Clock } from "../clock.ts";
import type { EventOf, EventType, SelvageEvent } from "./event.ts";
import type { PeerRef } from "./event_base.ts";
import { durationText } from "../../values/mod.ts";
import { loggerFor, type LogPart } from "../logger.ts";
import { WarningLimiter } from "../warning_limiter.ts";

/** The longest sentence of what was found, in characters. */
const MAX_SENTENCE = 1_024;

/** Writes events to the log, the repetitive ones at a limited rate. */
export class EventLog {
  readonly #limiter: WarningLimiter;

  constructor(clock: Clock) {
    this.#limiter = new WarningLimiter(clock);
  }

  /** Writes one event, where anyone listens for its level, with what the log shows besides. */
  write(event: SelvageEvent, logged: Readonly<Record<string, unknown>> = {}): void {
    const line = LINES[event.type] as Line<SelvageEvent>;
    const [prefix] = event.type.split(".", 1) as [LogPart];
    const logger = loggerFor(line.part ?? prefix);
    const level = typeof line.level === "string" ? line.level : line.level(event);
    if (!logger.isEnabledFor(level)) return;
    const shown = { ...event, ...line.also?.(event), ...logged };
    if (line.limitBy === undefined) {
      logger[METHODS[level]](line.text, shown);
      return;
    }
    const [word, peer] = line.limitBy(event);
    const admitted = this.#limiter.admit(`${event.type} ${word}`, peer);
    if (admitted !== undefined) logger[METHODS[level]](line.text, { ...shown, ...admitted });
  }

  /** Writes how many lines were held back and not reported yet. */
  flush(): void {
    for (const [kind, heldBack] of this.#limiter.drain()) {
      loggerFor("security").warn("warnings of {kind} that were held back: {heldBack}", {
        kind,
        heldBack,
      });
    }
  }
}

type Level = Exclude<LogLevel, "trace" | "fatal">;

interface Line<Event> {
  /** The part that logs it. Default: what the event's type begins with. */
  readonly part?: LogPart;
  readonly level: Level | ((event: Event) => Level);
  /** The sentence; names in braces are members of the event, or of `also`. */
  readonly text: string;
  /** What the sentence names and the event does not have as it stands. */
  readonly also?: (event: Event) => Readonly<Record<string, unknown>>;
  /** The word and the peer by which the warning's rate is limited. */
  readonly limitBy?: (event: Event) => readonly [word: string, peer: string];
}

const METHODS = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;

/** What an event must name whose type does not begin with a part. */
type PartOf<Type> = Type extends `${LogPart}.${string}` ? unknown : { readonly part: LogPart };

const LINES: { readonly [Type in EventType]: Line<EventOf<Type>> & PartOf<Type> } = {
  "worker.ready": {
    level: "info",
    text: "worker {workerId} is ready at {address} ({security})",
  },
  "worker.draining": {
    level: "info",
    text: "worker {workerId} drains {calls} within {grace}",
    also: ({ inFlight, graceMs }) => ({
      calls: inFlight === 1 ? "1 call" : `${inFlight} calls`,
      grace: durationText(graceMs),
    }),
  },
  "worker.stopped": {
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
    text: "worker {workerId} has answered nothing for {silent} and is ended",
    also: ({ silentMs }) => ({ silent: durationText(silentMs) }),
  },
  "worker.idle": {
    level: "debug",
    text: "worker {workerId} has had no call for {idle}",
    also: ({ idleSeconds }) => ({ idle: durationText(idleSeconds * 1_000) }),
  },
  "worker.blocked": {
    level: "warning",
    text:
      "routine {routine} has blocked the event loop of worker {workerId} for {blockedMs} ms; one " +
      'that computes for long belongs in a thread (run: "thread")',
  },
  "worker.threads-lost": {
    level: "error",
    text:
      "worker {workerId} has no thread left for calls: {computing} compute for calls that are over, each a core, " +
      "until they are done or the process ends",
  },
  "worker.restarted": {
    part: "pool",
    level: "info",
    text: "worker {workerId} replaces {replaced} (start {attempt})",
    also: ({ previousId }) => ({ replaced: previousId ?? "one that never became ready" }),
  },
  "listener.generation": {
    level: "info",
    text: "listener generation {generation} is {state} with {connections} connections",
  },
  "listener.failed": {
    level: "error",
    text: "{address} takes no connections: {message}; listening again in {retryInMs} ms",
    limitBy: ({ workerId, address }) => [workerId, address],
  },
  "listener.recovered": {
    level: "warning",
    text: "{address} takes connections again",
    limitBy: ({ workerId, address }) => [workerId, address],
  },
  "call.failed": {
    part: "routine",
    level: ({ side, declared }) => side === "dispatcher" ? "debug" : declared ? "info" : "error",
    text: "call of {routine} {by} failed ({outcome}): {thrown.name}: {thrown.message}",
    also: ({ side, peer }) => ({
      by: side === "worker"
        ? `by ${peer === undefined ? "an unknown caller" : who(peer)}`
        : `on ${peer === undefined ? "no worker" : who(peer)}`,
    }),
    limitBy: ({ routine, thrown, peer }) => [
      routine,
      `${thrown.name} ${peer?.identity ?? host(peer?.address ?? "")}`,
    ],
  },
  "worker.fault": {
    level: "error",
    text: "internal error in {part} {about}: {thrown.name}: {thrown.message}",
    also: ({ path, peer }) => ({
      about: [path, peer === undefined ? undefined : `for ${who(peer)}`].filter((part) => part)
        .join(" ") || "(outside calls)",
    }),
    limitBy: ({ part, thrown }) => [part, `${thrown.name} ${thrown.message}`],
  },
  "peer.accepted": {
    level: "debug",
    text: "{who} is accepted ({how})",
    also: ({ peer, security, keyExchange }) => ({
      who: who(peer),
      how: keyExchange === undefined ? security : `${security}, key exchange ${keyExchange}`,
    }),
  },
  "peer.expiring": {
    level: "warning",
    text: "the certificate of {who} {left}",
    also: ({ peer, ...expiry }) => ({ who: who(peer), left: left(expiry) }),
    limitBy: ({ stage, peer }) => [stage, peer.identity ?? host(peer.address)],
  },
  "handshake.failed": {
    level: "warning",
    text: "handshake with worker {worker.address} failed: {reason} ({side} side){why}",
    also: ({ evidence }) => ({ why: why(evidence) }),
    limitBy: ({ reason, worker }) => [reason, worker.address],
  },
  "handshake.refused": {
    level: "warning",
    text: "handshake with client {peer.address} failed: {reason} ({side} side){why}",
    also: ({ evidence }) => ({ why: why(evidence) }),
    limitBy: ({ reason, peer }) => [reason, host(peer.address)],
  },
  "credentials.rotated": {
    level: "info",
    text: "credentials generation {generation} is in use: {fingerprint}",
  },
  "credentials.rejected": {
    level: "error",
    text: "credentials cannot be used: {reason}: {message}{kept}",
    also: ({ keptGeneration, keptExpired, waitsMs }) => ({
      kept: waitsMs !== undefined
        ? `; the start waits ${durationText(Math.ceil(waitsMs / 1000) * 1000)} for what can be used`
        : keptGeneration === undefined
        ? ""
        : `; generation ${keptGeneration} stays in use${keptExpired ? ", and has expired" : ""}`,
    }),
  },
  "credentials.advice": {
    level: "warning",
    text: "our certificates could be better: {better}; selvage certs check FILE says how",
    also: (event) => ({ better: better(event) }),
  },
  "credentials.expiring": {
    level: "warning",
    text: "{what} {left}",
    also: ({ authority, ...expiry }) => ({
      what: authority === undefined
        ? "our certificate"
        : `the authority "${authority}" of our certificate's chain`,
      left: left(expiry),
    }),
  },
  "security.posture": {
    level: "info",
    text: "security: {security}; {openness}",
    also: ({ open = [] }) => ({
      openness: open.length === 0 ? "nothing is open" : `open: ${open.join("; ")}`,
    }),
  },
  "security.unauthenticated-listener": {
    level: "warning",
    text: "anyone who can reach {address} may call ({security})",
  },
  "security.plaintext-caller": {
    level: "warning",
    text: "a caller without TLS was served: {peer.address}",
    limitBy: ({ peer }) => ["plaintext", host(peer.address)],
  },
  "denylist.changed": {
    part: "credentials",
    level: "info",
    text: "a denylist of {entries} entries is in force: {fingerprint}",
  },
  "denylist.rejected": {
    part: "credentials",
    level: "error",
    text: "the new denylist is not used: {message}",
  },
  "security.loopback-announced": {
    level: "warning",
    text: "{address} is announced at {source}, where other machines read it: set advertise",
  },
  "security.token-ignored": {
    level: "warning",
    text: "a token is ignored: {sender} to {worker}, which verifies none",
    also: ({ side, peer }) =>
      side === "worker"
        ? { sender: `${who(peer)} sends one`, worker: "this worker" }
        : { sender: "it is sent", worker: who(peer) },
  },
  "policy.changed": {
    level: "info",
    text: "a policy of {rules} rules is in force: {fingerprint}",
  },
  "policy.rejected": {
    level: "error",
    text: "the new policy is not used: {message}",
  },
  "dispatch.denied": {
    level: "warning",
    text: "{who} may not call {routine}: rule {rule}",
    also: ({ peer }) => ({ who: who(peer) }),
    limitBy: ({ rule, peer }) => [rule, peer.identity ?? host(peer.address)],
  },
  "dispatch.unauthenticated": {
    level: "warning",
    text: "a call of {routine} from {peer.address} is not authenticated: {reason}",
    limitBy: ({ reason, peer }) => [reason, peer.identity ?? host(peer.address)],
  },
  "dispatch.retried": {
    level: "debug",
    text: "{routine} goes to another worker than {worker.address}: {cause}",
  },
  "discovery.added": {
    // A worker finds itself whenever it starts, through a socket of its own.
    level: ({ source }) => source === "own" ? "debug" : "info",
    text: "worker {worker.address} found through {source}",
  },
  "discovery.updated": {
    level: "info",
    text: "worker {worker.address} changed its announcement at {source}",
  },
  "discovery.removed": {
    level: "info",
    text: "worker {worker.address} is gone from {source}",
  },
  "discovery.failed": {
    level: "warning",
    text: "discovery through {source} does not work now: {message}",
    limitBy: ({ source }) => ["failed", source],
  },
  "discovery.rejected": {
    level: "warning",
    text: "an announcement at {source} is not believed: {message}",
    limitBy: ({ source, address }) => ["rejected", `${source} ${address ?? ""}`],
  },
};

/** The other end, by name where that was proven. */
function who({ identity, address }: PeerRef): string {
  return identity === undefined ? address : `${identity} at ${address}`;
}

/** What was found, and what to do, behind the reason. */
function why({ found, advice }: HandshakeEvidence): string {
  return [found, advice].filter((sentence) => sentence !== undefined)
    .map((sentence) => `; ${escapePeerText(sentence, MAX_SENTENCE)}`).join("");
}

function better({ advice, total, skipped }: EventOf<"credentials.advice">): string {
  const parts = advice.map(({ rule, found }) => `${rule}, ${escapePeerText(found, MAX_SENTENCE)}`);
  if (total > advice.length) parts.push(`${total - advice.length} more`);
  if (skipped > 0) parts.push(`${skipped} of the bundles skipped`);
  return parts.join("; ");
}

/** An address without its port, which changes with every connection of a client. */
function host(address: string): string {
  return address.replace(/:\d+$/, "");
}

/** How long a certificate lasts, or since when it does not. */
function left(
  { secondsLeft, stage }: { readonly secondsLeft: number; readonly stage: string },
): string {
  return secondsLeft < 0
    ? `expired ${durationText(-secondsLeft * 1_000)} ago`
    : `has ${durationText(secondsLeft * 1_000)} left (${stage})`;
}
