import { fileURLToPath } from "node:url";
import { type CredentialsSource, verdictOption } from "../credentials/mod.ts";
import type { WorkerSource } from "../dispatch/mod.ts";
import { unusable } from "../errors/mod.ts";
import {
  type Clock,
  type HeldCall,
  type Observer,
  systemClock,
  type UnstampedEvent,
} from "../observe/mod.ts";
import { resolveWorkerLimits } from "../worker/mod.ts";
import { type CredentialsInlet, handedCredentials } from "./handed_credentials.ts";
import { type HandedDispatcher, handedOver } from "./handover.ts";
import type { SpawnOptions } from "./options.ts";
import { PrivateAuthority } from "./private_authority.ts";
import { whenRenewable } from "./renewal.ts";
import { Roster } from "./roster.ts";
import { absoluteModules } from "./deno_setup.ts";
import { type CallRules, type SpawnCommand, spawnCommand } from "./spawn_command.ts";
import { SpawnedProcess } from "./spawned_process.ts";
import { spawnedAuthenticator, spawnedPolicy } from "./spawned_policy.ts";
import { Supervisor } from "./supervisor.ts";

const HOUR_MS = 3_600_000;

/** A pool's own workers: their processes, their credentials, and the roster of those that are ready. */
export class SpawnedWorkers implements AsyncDisposable {
  readonly #options: SpawnOptions;
  readonly #modules: readonly string[];
  readonly #rules: CallRules;
  readonly #command: SpawnCommand;
  readonly #authority: PrivateAuthority;
  /** The pool's own SPIFFE ID. */
  readonly #poolId: string;
  readonly #inlet: CredentialsInlet;
  readonly #roster = new Roster(() => this.#supervisor.expectsMore);
  /** The calls that a worker holds; replaced by the dispatcher that makes them. */
  callsAt: (workerId: string) => readonly HeldCall[] = () => [];
  readonly #running = new Set<SpawnedProcess>();
  /** The operator's credentials for the calls of routines. */
  readonly #operator: CredentialsSource | undefined;
  readonly #supervisor: Supervisor;
  readonly #clock: Clock = systemClock;
  readonly #observer: Observer;
  #renewal: Disposable;

  private constructor(
    options: SpawnOptions,
    modules: readonly string[],
    rules: CallRules,
    command: SpawnCommand,
    pool: string,
    observer: Observer,
    operator: CredentialsSource | undefined,
  ) {
    this.#options = options;
    this.#operator = operator;
    operator?.subscribe((material) => {
      const credentials = handedOver(material.pem());
      for (const process of this.#running) process.renewDispatcher(credentials);
    });
    this.#modules = modules;
    this.#rules = rules;
    this.#command = command;
    this.#observer = observer;
    this.#authority = new PrivateAuthority(pool, this.#ttlMs);
    const own = this.#authority.pool();
    this.#poolId = own.id;
    this.#inlet = handedCredentials(own.credentials);
    this.#supervisor = new Supervisor({
      count: options.count ?? navigator.hardwareConcurrency,
      spawn: () => this.#spawn(),
      onChange: () => this.#sendRoster(),
      livenessTimeoutMs: options.livenessTimeoutMs ?? 15_000,
      callsAt: (workerId) => this.callsAt(workerId),
      clock: this.#clock,
      observer,
      random: Math.random,
      backoff: {},
    });
    this.#renewal = this.#scheduleRenewal();
  }

  static async start(
    options: SpawnOptions,
    pool: string,
    observer: Observer,
  ): Promise<SpawnedWorkers> {
    const { count } = options;
    if (count !== undefined) insistOnCount(count, "spawn.count");
    const { livenessTimeoutMs = 0 } = options;
    if (!(Number.isFinite(livenessTimeoutMs) && livenessTimeoutMs >= 0)) {
      throw unusable(
        "spawn.livenessTimeoutMs",
        `spawn.livenessTimeoutMs must be a number from 0, not ${livenessTimeoutMs}`,
      );
    }
    if (options.siblings === true && options.dispatcher !== undefined) {
      throw unusable(
        "spawn.siblings",
        "spawn.siblings and spawn.dispatcher exclude each other: routines have one dispatcher",
      );
    }
    resolveWorkerLimits(options.limits);
    const modules = absoluteModules(options.modules);
    const rules = {
      policy: spawnedPolicy(options),
      authenticate: spawnedAuthenticator(options),
    };
    const command = await spawnCommand(options, modules, rules);
    const operator = await options.dispatcher?.credentials?.open({
      observer,
      ...verdictOption(options.dispatcher),
    });
    return new SpawnedWorkers(options, modules, rules, command, pool, observer, operator);
  }

  /** Where a dispatcher finds them, and the only trust under which it may. */
  get source(): WorkerSource {
    return { discovery: this.#roster, credentials: this.#inlet.credentials };
  }

  /** Waits until every worker is ready or has failed for the first time. */
  started(): Promise<void> {
    return this.#supervisor.started();
  }

  /** Keeps another number of workers from now on; resolves when it is so. */
  async resize(count: number): Promise<void> {
    insistOnCount(count, "resize");
    await this.#supervisor.resize(count, this.#graceMs);
  }

  get #graceMs(): number {
    return this.#options.drainGraceMs ?? 25_000;
  }

  /** Gives everyone a new certificate; resolves when every worker uses its own. */
  async renew(): Promise<void> {
    this.#renewal[Symbol.dispose]();
    this.#renewal = this.#scheduleRenewal();
    this.#inlet.hand(this.#authority.pool().credentials);
    await Promise.all([...this.#running].map((process) => {
      const { credentials } = this.#authority.child(process.name, this.#siblings);
      return process.renew(credentials);
    }));
  }

  /** Lets calls in flight finish within the grace, then ends every process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#renewal[Symbol.dispose]();
    await this.#supervisor.stop(this.#graceMs);
    await this.#operator?.[Symbol.asyncDispose]();
  }

  get #siblings(): boolean {
    return this.#options.siblings === true;
  }

  get #ttlMs(): number {
    return this.#options.certificateTtlMs ?? HOUR_MS;
  }

  #spawn(): SpawnedProcess {
    const { threads, limits = {}, tags = [], startTimeoutMs = 60_000 } = this.#options;
    const name = crypto.randomUUID();
    const { id: identity, credentials } = this.#authority.child(name, this.#siblings);
    const process = new SpawnedProcess({
      command: this.#command,
      begin: {
        kind: "begin",
        id: name,
        modules: this.#modules,
        credentials,
        identity,
        allow: this.#siblings ? [this.#poolId, this.#authority.children] : [this.#poolId],
        siblings: this.#siblings,
        tags,
        threads: threads ?? 1,
        limits,
        ...this.#rules,
        ...this.#dispatcher(),
      },
      startTimeoutMs,
      onEvent: (event) => this.#observer.as(name).emit(event),
    });
    this.#running.add(process);
    process.exited.then(() => this.#running.delete(process));
    return process;
  }

  #dispatcher(): { readonly dispatcher?: HandedDispatcher } {
    const { dispatcher } = this.#options;
    if (dispatcher === undefined) return {};
    const { discovery, identity, verdict } = dispatcher;
    const material = this.#operator?.current();
    const credentials = material === undefined ? undefined : handedOver(material.pem());
    const denylist = dispatcher.denylist instanceof URL
      ? fileURLToPath(dispatcher.denylist)
      : dispatcher.denylist;
    return { dispatcher: { discovery, credentials, identity, verdict, denylist } };
  }

  #sendRoster(): void {
    const tags = this.#options.tags ?? [];
    const workers = this.#supervisor.ready.map(({ id, address, identity }) => ({
      id,
      address,
      tags,
      expected: identity,
    }));
    this.#roster.set(workers);
    if (!this.#siblings) return;
    for (const process of this.#running) process.sendSiblings(workers);
  }

  #scheduleRenewal(): Disposable {
    const report = (event: UnstampedEvent) => this.#observer.emit(event);
    return whenRenewable(this.#clock, this.#ttlMs, () => this.renew(), report);
  }
}

function insistOnCount(count: number, setting: string): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw unusable(setting, `${setting} must be a whole number from 1, not ${count}`);
}
