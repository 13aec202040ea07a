import {
  type Certificate,
  endingAuthority,
  expiredAuthority,
  proveOwnAuthorities,
} from "../identity/mod.ts";
import { type Clock, loggerFor, type Observer, systemClock } from "../observe/mod.ts";
import type { Assembled } from "./assemble.ts";
import { bundleFault } from "./bundle_change.ts";
import { ExpiryWatch } from "./expiry_watch.ts";
import type { CredentialMaterial, OwnCertificate, SkippedAnchor } from "./material.ts";
import { expiredAuthorityText, validityFault } from "./own_certificate_fault.ts";
import { type OwnFindings, ownFindings, type OwnUse } from "./own_findings.ts";
import { configurationError, type CredentialRejection, rejection } from "./rejection.ts";
import type { CredentialsSource, OpenCredentialsOptions } from "./source.ts";
import { Subscription } from "./subscription.ts";
import { present } from "../values/mod.ts";

/** More advice than a person reads in one event. */
const SHOWN_ADVICE = 16;
/** More skipped certificates than a person reads about; Debian's bundle has a handful. */
const SHOWN_SKIPPED = 32;

/** What became of a version that was offered. */
export type Offered = "adopted" | "unchanged" | "rejected";

/**
 * The source behind every kind of credentials: takes versions that hold, keeps the last good one
 * otherwise, informs subscribers and the observer, and watches the expiry of our own certificate.
 */
export class CredentialsStore implements CredentialsSource {
  readonly #observer: Observer | undefined;
  readonly #clock: Clock;
  readonly #use: OwnUse;
  readonly #expiry: ExpiryWatch;
  readonly #close: () => void | Promise<void>;
  readonly #listeners = new Set<(material: CredentialMaterial) => void>();
  #current: CredentialMaterial | undefined;
  /** Whether the version in use is a first one that was rejected: it serves until a better one follows. */
  #isRejected = false;
  /** What was reported last; empty where all was well. */
  #reported = "";

  /** Without a version yet; `close` stops whatever offers them. */
  constructor(options: OpenCredentialsOptions, close: () => void | Promise<void> = () => {}) {
    this.#observer = options.observer;
    this.#clock = options.clock ?? systemClock;
    const { role, verdict: mode = "private", accepts = [] } = options;
    this.#use = { role, mode, accepts };
    this.#expiry = new ExpiryWatch(this.#clock, this.#observer);
    this.#close = close;
  }

  /** The version in use. Defined once {@linkcode CredentialsStore.offer} has answered `adopted`. */
  current(): CredentialMaterial {
    if (this.#current === undefined) throw new TypeError("no credentials have been adopted yet");
    return this.#current;
  }

  /** Whether there is a version in use. */
  get ready(): boolean {
    return this.#current !== undefined;
  }

  /** Calls `listener` with every version adopted from now on. */
  subscribe(listener: (material: CredentialMaterial) => void): Disposable {
    // Of its own identity, so that one function can subscribe twice.
    const entry = (material: CredentialMaterial): void => listener(material);
    return new Subscription(this.#listeners, entry);
  }

  /** Takes a version if it holds and differs from the one in use; otherwise says why not. */
  offer(assembled: Assembled): Offered {
    if (assembled.kind === "rejected") return this.reject(assembled);
    const { material } = assembled;
    const unchanged = material.fingerprint === this.#current?.fingerprint;
    if (assembled.kind === "own-invalid" && (unchanged || !this.#uses(material.own))) {
      return this.reject(assembled.rejected);
    }
    const { kept = [] } = assembled;
    if (unchanged) {
      if (kept.length === 0 && this.#reported !== "") this.#logWellAgain(material);
      this.#report(kept);
      return "unchanged";
    }
    if (this.#current !== undefined && this.#current.mode !== material.mode) {
      return this.reject(rejection(
        "incomplete",
        "credentials",
        `they are for ${material.mode} and cannot replace ones for ${this.#current.mode}`,
      ));
    }
    const fault = this.#faultOf(material);
    const isNew = fault !== undefined && !this.#isRefusedAlready(material);
    const rejected = isNew ? fault : this.changeFault(material);
    if (rejected !== undefined) return this.reject(rejected);
    const isRejected = this.#isRejected && this.#isOfNoUse(material);
    this.#adopt(material);
    this.#isRejected = isRejected;
    this.#report(kept);
    return "adopted";
  }

  /** Whether that is the certificate in use, with its chain and key: then it replaces no better one. */
  #uses(own: OwnCertificate | undefined): boolean {
    const used = this.#current?.own;
    return own?.certPem === used?.certPem && own?.keyPem === used?.keyPem;
  }

  /** What peers of our own kind would refuse about our chain. */
  #faultOf(material: CredentialMaterial): CredentialRejection | undefined {
    return this.#findings(material).unfit ?? this.#expired(material);
  }

  /** Whether our own certificate is of no use now, by itself or with its chain. */
  #isOfNoUse(material: CredentialMaterial): boolean {
    const { own } = material;
    if (own === undefined) return false;
    return own.fault !== undefined || validityFault(own.leaf, this.#clock.now()) !== undefined ||
      this.#faultOf(material) !== undefined;
  }

  /** Whether peers refuse that certificate while it is in use: then trust can be taken away all the same. */
  #isRefusedAlready({ own }: CredentialMaterial): boolean {
    const used = this.#current;
    return used !== undefined && this.#uses(own) && this.#faultOf(used) !== undefined;
  }

  /** What forbids a version to replace the one in use, though nothing is wrong with either. */
  changeFault(material: CredentialMaterial): CredentialRejection | undefined {
    return this.#current && bundleFault(this.#current, material, this.#clock.now(), this.#use);
  }

  /**
   * Takes the first version, and where only our own certificate is at fault takes it all the same,
   * so that everyone learns by name what is wrong with it and a better one can follow.
   *
   * @throws {ConfigurationError} if there is nothing to take.
   */
  offerFirst(assembled: Assembled): void {
    if (assembled.kind === "rejected") throw configurationError(assembled);
    this.#adopt(assembled.material);
    const rejected = assembled.kind === "own-invalid"
      ? assembled.rejected
      : this.#faultOf(assembled.material);
    if (rejected === undefined) return;
    this.#isRejected = true;
    this.reject(rejected);
  }

  /**
   * Keeps the last good version and says why, once for each different reason in a row.
   *
   * @param waitsMs How long the first version is still waited for, in milliseconds. Default: it is not.
   */
  reject(rejected: CredentialRejection, waitsMs?: number): "rejected" {
    this.#report([rejected], waitsMs);
    return "rejected";
  }

  /** Reports rejections, where they are not the same as last time. */
  #report(rejections: readonly CredentialRejection[], waitsMs?: number): void {
    const reported = rejections.map(({ reason, setting, message }) =>
      `${reason} ${setting} ${message}`
    ).join("\n");
    if (reported === this.#reported) return;
    this.#reported = reported;
    for (const rejected of rejections) this.#emitRejected(rejected, waitsMs);
  }

  /** Whoever has read of a rejection learns that what was written since is what is in use. */
  #logWellAgain(material: CredentialMaterial): void {
    if (this.#isOfNoUse(material)) return;
    loggerFor("credentials").info(
      "what was rejected has been replaced by generation {generation}, which has stayed in use",
      { generation: this.#current?.generation },
    );
  }

  #emitRejected(rejected: CredentialRejection, waitsMs: number | undefined): void {
    // One that was not valid yet may be by now.
    this.#isRejected &&= this.#current === undefined || this.#isOfNoUse(this.#current);
    const kept = this.#isRejected ? undefined : this.#current;
    this.#observer?.emit({
      type: "credentials.rejected",
      reason: rejected.reason,
      message: `${rejected.setting}: ${rejected.message}`,
      ...present({
        keptGeneration: kept?.generation,
        keptCertificate: kept?.own?.summary,
        waitsMs,
      }),
      keptExpired: kept?.own !== undefined &&
        validityFault(kept.own.leaf, this.#clock.now())?.reason === "expired",
    });
  }

  /** Stops offering, watching and reporting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    this.#expiry[Symbol.dispose]();
    await this.#close();
  }

  #findings(material: CredentialMaterial): OwnFindings {
    return ownFindings(material, this.#use, this.#clock.now());
  }

  /** What has expired of our chain above our own certificate, whose dates are looked at where it is read. */
  #expired({ own, anchors }: CredentialMaterial): CredentialRejection | undefined {
    if (own === undefined || anchors === undefined) return undefined;
    const chain = [own.leaf, ...own.authorities];
    const fault = expiredAuthority(chain, anchors, this.#clock.now(), this.#use);
    return fault && rejection("expired", "cert", expiredAuthorityText(fault));
  }

  /** The authority with which our chain ends before our own certificate does. */
  #ending({ own, anchors }: CredentialMaterial): Certificate | undefined {
    if (own === undefined || anchors === undefined) return undefined;
    const chain = [own.leaf, ...own.authorities];
    return endingAuthority(chain, anchors, this.#clock.now(), this.#use);
  }

  #adopt(offered: CredentialMaterial): void {
    const previous = this.#current;
    const { own, anchors } = offered;
    const { advice } = this.#findings(offered);
    const material: CredentialMaterial = Object.freeze({
      ...offered,
      verdict: this.#use.mode,
      advice,
      generation: (previous?.generation ?? 0) + 1,
    });
    // A signature that was proven holds under whatever anchors.
    if (previous?.anchors !== undefined) anchors?.proven.takeOver(previous.anchors.proven);
    if (own !== undefined && anchors !== undefined) proveOwnAuthorities(own.authorities, anchors);
    this.#current = material;
    this.#isRejected = false;
    this.#reported = "";
    this.#expiry.follow(own && { own, ending: this.#ending(material) });
    if (previous !== undefined) {
      this.#observer?.emit({
        type: "credentials.rotated",
        generation: material.generation,
        fingerprint: material.fingerprint,
        previousFingerprint: previous.fingerprint,
        ...present({ certificate: material.own?.summary }),
        identities: material.own?.summary.names ?? [],
        skipped: offered.skipped?.length ?? 0,
      });
    }
    const skipped = offered.skipped ?? [];
    logSkipped(skipped);
    if (advice.length + skipped.length > 0) {
      this.#observer?.emit({
        type: "credentials.advice",
        generation: material.generation,
        advice: advice.slice(0, SHOWN_ADVICE),
        total: advice.length,
        skipped: skipped.length,
      });
    }
    for (const listener of [...this.#listeners]) notify(listener, material);
  }
}

function logSkipped(skipped: readonly SkippedAnchor[]): void {
  for (
    const { bundle, place, rule, found, subject = "unreadable" } of skipped.slice(0, SHOWN_SKIPPED)
  ) {
    loggerFor("credentials").warn(
      "certificate {place} of {bundle} ({subject}) is skipped, for it breaks the rule {rule}: {found}",
      { place, bundle, subject, rule, found },
    );
  }
  const more = skipped.length - SHOWN_SKIPPED;
  if (more > 0) {
    loggerFor("credentials").warn("{more} more certificates are skipped", { more });
  }
}

/** One subscriber's failure must not keep new credentials from the others. */
function notify(
  listener: (material: CredentialMaterial) => void,
  material: CredentialMaterial,
): void {
  try {
    listener(material);
  } catch (error) {
    loggerFor("credentials").error("a subscriber could not take new credentials: {error}", {
      error,
    });
  }
}
