import type { DescMethod } from "@bufbuild/protobuf";
import { AuthorizationError, escapePeerText } from "../../errors/mod.ts";
import { Health, reflectionV1, reflectionV1Alpha, WorkerService } from "../../gen/mod.ts";
import { headerValue } from "../../http2/mod.ts";
import type { Observer } from "../../observe/mod.ts";
import type { Authorizer, PolicyCall, PolicyDecision, PolicySubject } from "../../policy/mod.ts";
import { type ArrivingCall, headersOf } from "../../rpc/mod.ts";
import { ROUTINE_HEADER } from "../../routine/mod.ts";
import type { ConnectedPeer } from "../connected_peer.ts";

/** What an {@linkcode Authorization} works with. */
export interface AuthorizationOptions {
  readonly authorizer: Authorizer;
  readonly observer: Observer;
  /** Called with what was thrown where a running call could not be judged by a new policy. Default: it is only denied. */
  readonly failed?: (error: unknown) => void;
}

/** Decides, for one worker, who may call what, and reports each call that is denied. */
export class Authorization implements AsyncDisposable {
  /** What decides. */
  readonly authorizer: Authorizer;
  readonly #options: AuthorizationOptions;
  /** Errors that are the same for every call that a rule denies. */
  readonly #errors = new Map<string, AuthorizationError>();

  constructor(options: AuthorizationOptions) {
    this.authorizer = options.authorizer;
    this.#options = options;
  }

  /** A call whose header section has arrived. */
  begin(arriving: ArrivingCall<ConnectedPeer>, subject: PolicySubject): CallAuthorization {
    return new CallAuthorization(this, arriving, subject);
  }

  /** Whether a peer may make a call; an error where it may not, which is reported. */
  decide(
    call: AskedCall,
  ): AuthorizationError | undefined | Promise<AuthorizationError | undefined> {
    const decision = this.authorizer.decide(call);
    return decision instanceof Promise
      ? decision.then((decided) => this.#denial(decided, call))
      : this.#denial(decision, call);
  }

  /** The decision about a running call; where none can be made, it is denied. */
  async decideAgain(call: AskedCall): Promise<AuthorizationError | undefined> {
    try {
      return await this.decide(call);
    } catch (error) {
      this.#options.failed?.(error);
      return this.#errorOf(UNDECIDED);
    }
  }

  /** Whether a peer may make a call, without a report. */
  async allows(call: AskedCall): Promise<boolean> {
    return (await this.authorizer.decide(call)).allowed;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.authorizer[Symbol.asyncDispose]();
  }

  #denial(
    { allowed, rule }: PolicyDecision,
    { name, peer }: AskedCall,
  ): AuthorizationError | undefined {
    if (allowed) return undefined;
    const routine = escapePeerText(name);
    this.#options.observer.emit({ type: "dispatch.denied", routine, peer: peer.ref, rule });
    return this.#errorOf(rule);
  }

  #errorOf(rule: string): AuthorizationError {
    let error = this.#errors.get(rule);
    if (error === undefined) {
      const shown = JSON.stringify(escapePeerText(rule));
      error = new AuthorizationError(
        `the worker's policy denies this call: ${
          rule === "default-deny" ? "no rule allows it" : `rule ${shown} decides`
        }`,
        { rule },
      );
      if (this.#errors.size >= MAX_ERRORS) this.#errors.clear();
      this.#errors.set(rule, error);
    }
    return error;
  }
}

/** The decision about one call: at its header section where that suffices, else at its envelope. */
export class CallAuthorization {
  readonly #authorization: Authorization;
  readonly #arriving: ArrivingCall<ConnectedPeer>;
  readonly #subject: PolicySubject;
  /** The name for which the call was allowed. */
  #allowed: string | undefined;
  /** The version of the policy that allowed it: a caller that is slow with its body gains nothing by that. */
  #allowedBy = 0;

  constructor(
    authorization: Authorization,
    arriving: ArrivingCall<ConnectedPeer>,
    subject: PolicySubject,
  ) {
    this.#authorization = authorization;
    this.#arriving = arriving;
    this.#subject = subject;
  }

  /** Decides now, unless the routine or its tags are not known yet. */
  atHeaders(): AuthorizationError | undefined | Promise<AuthorizationError | undefined> {
    const { method, fields } = this.#arriving;
    if (isExempt(method, this.#subject)) return undefined;
    const name = method.parent === WorkerService && isRoutineCall(method)
      ? headerValue(fields, ROUTINE_HEADER)
      : nameOf(method);
    const { authorizer } = this.#authorization;
    if (name === undefined || (method.parent === WorkerService && authorizer.readsTags(name))) {
      return undefined;
    }
    return this.#settle(name, NO_TAGS);
  }

  /**
   * Decides about the routine that the call's envelope names, before its payload is decoded; also where the
   * policy has changed since the header section was allowed.
   *
   * @throws {AuthorizationError} where the caller may not call it.
   */
  atEnvelope(routine: string, tags: readonly string[]): void | Promise<void> {
    if (this.#isAllowed(routine)) return;
    const denied = this.#settle(routine, tags);
    if (denied instanceof Promise) {
      return denied.then((error) => {
        if (error !== undefined) throw error;
      });
    }
    if (denied !== undefined) throw denied;
  }

  /**
   * Decides anew about a method that was allowed at its header section, where the policy has changed since.
   *
   * @throws {AuthorizationError} where the caller may not call it any more.
   */
  atEntry(): void | Promise<void> {
    if (this.#allowed !== undefined) return this.atEnvelope(this.#allowed, NO_TAGS);
  }

  /** Whether the caller might call that, too, for a list of what it may. */
  allows(name: string): Promise<boolean> {
    return this.#authorization.allows(this.#asked(name, NO_TAGS));
  }

  /**
   * Calls back with the error once the policy has changed and denies a call that it had allowed.
   *
   * @returns what ends the watch; `undefined` where the policy never changes.
   */
  watch(
    name: string,
    tags: readonly string[],
    denied: (error: AuthorizationError) => void,
  ): (() => void) | undefined {
    const changed = async () => {
      const error = await this.#authorization.decideAgain(this.#asked(name, tags));
      if (error !== undefined) denied(error);
    };
    const { authorizer } = this.#authorization;
    if (this.#allowedBy !== authorizer.version) void changed();
    return authorizer.onChange?.(changed);
  }

  #isAllowed(name: string): boolean {
    return this.#allowed === name && this.#allowedBy === this.#authorization.authorizer.version;
  }

  #settle(
    name: string,
    tags: readonly string[],
  ): AuthorizationError | undefined | Promise<AuthorizationError | undefined> {
    const { version } = this.#authorization.authorizer;
    const denied = this.#authorization.decide(this.#asked(name, tags));
    return denied instanceof Promise
      ? denied.then((error) => this.#settled(name, version, error))
      : this.#settled(name, version, denied);
  }

  #settled(
    name: string,
    version: number,
    denied: AuthorizationError | undefined,
  ): AuthorizationError | undefined {
    this.#allowed = denied === undefined ? name : undefined;
    this.#allowedBy = version;
    return denied;
  }

  #asked(name: string, tags: readonly string[]): AskedCall {
    return new AskedCall(this.#arriving, this.#subject, name, tags);
  }
}

const NO_TAGS: readonly string[] = [];
/** Stands for a rule where deciding failed for an error of our own. */
const UNDECIDED = "undecided";
/** Rules come from the operator; the names that a hook gives could be endless. */
const MAX_ERRORS = 1_024;

/** What proves liveness, and what says no more than the policy allows, asked by peers that are proven. */
function isExempt(method: DescMethod, subject: PolicySubject): boolean {
  if (subject.identity === undefined && subject.claims === undefined) return false;
  return method === Health.method.check || method === WorkerService.method.describe ||
    isReflection(method);
}

/** Whether a method is one of reflection, which shows a caller only what it may call. */
export function isReflection({ parent }: DescMethod): boolean {
  return parent.typeName === reflectionV1.ServerReflection.typeName ||
    parent.typeName === reflectionV1Alpha.ServerReflection.typeName;
}

function isRoutineCall(method: DescMethod): boolean {
  return method !== WorkerService.method.describe;
}

/** Made once a method: a name that is put together for each call is also hashed for each. */
const names = new WeakMap<DescMethod, string>();

/** A method's name as policies write it: `package.Service/Method`. */
export function nameOf(method: DescMethod): string {
  let name = names.get(method);
  if (name === undefined) names.set(method, name = `${method.parent.typeName}/${method.name}`);
  return name;
}

/** A call as a policy is asked about it; what rules do not read is made only for a hook that does. */
class AskedCall implements PolicyCall {
  readonly subject: PolicySubject;
  readonly name: string;
  readonly tags: readonly string[];
  readonly #arriving: ArrivingCall<ConnectedPeer>;

  constructor(
    arriving: ArrivingCall<ConnectedPeer>,
    subject: PolicySubject,
    name: string,
    tags: readonly string[],
  ) {
    this.#arriving = arriving;
    this.subject = subject;
    this.name = name;
    this.tags = tags;
  }

  get peer(): ConnectedPeer {
    return this.#arriving.peer;
  }

  get address(): string {
    return this.#arriving.peer.caller.address;
  }

  get method(): string {
    return nameOf(this.#arriving.method);
  }

  /** The names of routines hold no slash, those of methods do. */
  get routine(): string | undefined {
    return this.name.includes("/") ? undefined : this.name;
  }

  get headers(): Headers {
    return headersOf(this.#arriving.fields) ?? new Headers();
  }
}
