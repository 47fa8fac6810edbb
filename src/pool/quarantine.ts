/**
 * Functions that keep costing workers or breaking sandboxes are refused for a while. What counts is the source, by its
 * hash: the same text under another name is the same function, other text under the same name is
 * another one.
 */
import { SkepError } from "../errors.ts";
import { hashSource } from "../registry/function-source.ts";
import type { Receipt } from "../receipt.ts";
import type { Clock } from "./clock.ts";
import type { EventEmitter } from "./events.ts";
import { describeRun } from "./outcome.ts";
import type { Run } from "./run.ts";
import type { QuarantineOptions } from "./supervision-options.ts";

/**
 * What a run did: it hung past its grace, which cost the worker; the engine failed under it, which
 * cost the sandbox; or the worker ended while it was inside.
 */
export type Offence = "hang" | "trap" | "crash";

/** A function, or the source of an evaluation, that is refused. */
export interface QuarantinedFunction {
  /** The name it had when it was quarantined; the file name of an evaluation. */
  name: string;
  /** SHA-1 of the source with normalized line ends, trimmed, as `registry()` has it. */
  hash: string;
  since: Date;
  /** When it is released by itself; undefined when it is not. */
  until: Date | undefined;
  /** Workers that were lost to it. */
  lostWorkers: number;
  /** Sandboxes in which the engine failed under it, while their workers went on. */
  lostSandboxes: number;
  /** How the last of either ended. */
  reason: string;
}

interface Offender {
  name: string;
  readonly hash: string;
  readonly isEvaluation: boolean;
  /** Hangs and traps: nobody else can have been the reason. */
  proven: number;
  /** Since it last succeeded: a worker may crash for reasons of its own, but not every time. */
  crashes: number;
  lostWorkers: number;
  lostSandboxes: number;
  reason: string;
  sentence: { since: number; until: number | undefined } | undefined;
  cancelTimer: (() => void) | undefined;
}

/** How long offences are remembered where what is quarantined stays so for good. */
const REMEMBERED_MS = 60_000;

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #clock: Clock;
  readonly #events: EventEmitter;
  readonly #offenders = new Map<string, Offender>();
  #quarantined = 0;
  #crashed = 0;

  constructor(options: QuarantineOptions, clock: Clock, events: EventEmitter) {
    this.#options = options;
    this.#clock = clock;
    this.#events = events;
  }

  /** Whether nothing is refused: asked for every run. */
  get isEmpty(): boolean {
    return this.#quarantined === 0;
  }

  /** This run was inside, for certain, when something was lost. True when that was once too often. */
  blame(run: Run, offence: Offence, reason: string): boolean {
    const { after } = this.#options;
    // What a session has in it is not its functions' doing: others must not lose them for that.
    if (after === 0 || run.session !== undefined) return false;
    const offender = this.#offenderFor(run);
    offender.name = run.name;
    if (offence === "trap") offender.lostSandboxes++;
    else offender.lostWorkers++;
    offender.reason = reason;
    if (offence !== "crash") offender.proven++;
    else if (++offender.crashes === 1) this.#crashed++;
    if (offender.sentence !== undefined) return false;
    if (offender.proven + offender.crashes < after) {
      this.#remember(offender);
      return false;
    }
    this.#sentence(offender);
    return true;
  }

  /** A run succeeded: the crashes while others of its function ran were not the function's. */
  clear(run: Run): void {
    if (this.#crashed === 0) return;
    const offender = this.#offenders.get(hashOf(run));
    if (offender === undefined || offender.sentence !== undefined || offender.crashes === 0) return;
    offender.lostWorkers -= offender.crashes;
    this.#absolve(offender);
    if (offender.proven === 0) this.#forget(offender);
  }

  /** Why a run is refused; undefined when it is not. */
  refusal(run: Run, receipt: () => Receipt): SkepError | undefined {
    if (this.isEmpty) return undefined;
    const offender = this.#offenders.get(hashOf(run));
    const sentence = offender?.sentence;
    if (offender === undefined || sentence === undefined) return undefined;
    const { reason } = offender;
    const end = sentence.until === undefined ? "released" : dateOf(sentence.until);
    const advice = offender.isEvaluation ? "change its source" : "define it with other source";
    const message =
      `${describeRun(run)} is in quarantine since ${dateOf(sentence.since)}, because it cost ` +
      `${lossesTo(offender)}; the last one: ${reason} It is refused until ${end}. Mend it and ${advice}, or lift the ` +
      `quarantine with pool.release(${JSON.stringify(run.name)}).`;
    return new SkepError("quarantined", message, { receipt: receipt() });
  }

  /** What is refused, in the order it was quarantined. */
  list(): QuarantinedFunction[] {
    return [...this.#offenders.values()]
      .flatMap((offender) => {
        const { name, hash, sentence, lostWorkers, lostSandboxes, reason } = offender;
        if (sentence === undefined) return [];
        const until = sentence.until === undefined ? undefined : new Date(sentence.until);
        const since = new Date(sentence.since);
        return [{ name, hash, since, until, lostWorkers, lostSandboxes, reason }];
      })
      .sort((left, right) => left.since.getTime() - right.since.getTime());
  }

  /** Lifts the quarantine of these hashes, and forgives what led to it. False when there was none. */
  release(matches: (offender: { name: string; hash: string }) => boolean): boolean {
    const released = [...this.#offenders.values()].filter(
      (offender) => offender.sentence !== undefined && matches(offender),
    );
    for (const offender of released) {
      this.#lift(offender, "released");
      this.#forget(offender);
    }
    return released.length > 0;
  }

  stop(): void {
    for (const offender of this.#offenders.values()) offender.cancelTimer?.();
    this.#offenders.clear();
    this.#quarantined = 0;
    this.#crashed = 0;
  }

  #offenderFor(run: Run): Offender {
    const hash = hashOf(run);
    const known = this.#offenders.get(hash);
    if (known !== undefined) return known;
    const offender: Offender = {
      name: run.name,
      hash,
      isEvaluation: run.target.type === "source",
      proven: 0,
      crashes: 0,
      lostWorkers: 0,
      lostSandboxes: 0,
      reason: "",
      sentence: undefined,
      cancelTimer: undefined,
    };
    this.#offenders.set(hash, offender);
    return offender;
  }

  #sentence(offender: Offender): void {
    const { forMs } = this.#options;
    const since = Date.now();
    offender.sentence = { since, until: forMs === 0 ? undefined : since + forMs };
    this.#quarantined++;
    offender.cancelTimer?.();
    offender.cancelTimer = undefined;
    if (forMs > 0) this.#schedule(offender, forMs, () => this.#expire(offender));
    const { name, hash, lostWorkers, lostSandboxes, reason } = offender;
    const losses = { lostWorkers, lostSandboxes };
    this.#events.emit("function-quarantined", { name, hash, ...losses, reason, forMs });
  }

  /** Free again, on probation: the next loss is one too many, for as long as this took. */
  #expire(offender: Offender): void {
    this.#absolve(offender);
    offender.proven = this.#options.after - 1;
    offender.lostSandboxes = Math.min(offender.lostSandboxes, offender.proven);
    offender.lostWorkers = offender.proven - offender.lostSandboxes;
    this.#lift(offender, "expired");
    if (offender.proven === 0) this.#forget(offender);
    else this.#remember(offender);
  }

  #lift(offender: Offender, reason: "released" | "expired"): void {
    offender.sentence = undefined;
    this.#quarantined--;
    const { name, hash } = offender;
    this.#events.emit("function-released", { name, hash, reason });
  }

  #remember(offender: Offender): void {
    const { forMs } = this.#options;
    this.#schedule(offender, forMs === 0 ? REMEMBERED_MS : forMs, () => this.#forget(offender));
  }

  #forget(offender: Offender): void {
    offender.cancelTimer?.();
    this.#absolve(offender);
    this.#offenders.delete(offender.hash);
  }

  #absolve(offender: Offender): void {
    if (offender.crashes > 0) this.#crashed--;
    offender.crashes = 0;
  }

  #schedule(offender: Offender, delayMs: number, task: () => void): void {
    offender.cancelTimer?.();
    offender.cancelTimer = this.#clock.schedule(delayMs, task, { keepAlive: false });
  }
}

/** What it cost: "3 workers", "1 worker, 2 sandboxes". */
function lossesTo({ lostWorkers, lostSandboxes }: Offender): string {
  const workers = `${lostWorkers} worker${lostWorkers === 1 ? "" : "s"}`;
  if (lostSandboxes === 0) return workers;
  return `${workers}, ${lostSandboxes} sandbox${lostSandboxes === 1 ? "" : "es"}`;
}

/** What names a run's source; modules that an evaluation brings along are part of it. */
function hashOf({ target, sourceHash }: Run): string {
  if (target.type === "function") return sourceHash;
  const { source, modules } = target.given ?? target;
  return hashSource([source, ...modules.flat()].join("\n"));
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}
