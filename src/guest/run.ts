/** One run inside a worker: what it was asked, what it has cost, how it must end. */
import { type Payload, startBytes } from "../protocol/payload.ts";
import type {
  RunCost,
  RunLimits,
  RunSourceMessage,
  WorkerFailureCode,
} from "../protocol/messages.ts";
import type { Address } from "./engine.ts";
import type { VirtualModules } from "./virtual-modules.ts";

/** What is to be executed. */
export type RunTarget =
  | { type: "function"; functionId: number; args: Payload }
  | ({ type: "source" } & Pick<
      RunSourceMessage,
      "kind" | "filename" | "source" | "modules" | "imports" | "globals"
    >);

/** How a run ends other than by its own doing. Once there is one, nothing the guest does counts. */
export interface Verdict {
  code: WorkerFailureCode;
  message: string;
  /** The engine failed, for no limit. */
  isTrap?: boolean;
}

export const ABORTED: Verdict = { code: "aborted", message: "The run was aborted." };

export class Run {
  verdict: Verdict | undefined;
  /** The guest promise the run waits for, 0 before there is one. */
  promise: Address = 0;
  /** What the run's call or evaluation returned: to be freed where the sandbox is not reset. */
  owned: Address = 0;
  /** Whether `promise` was taken out of a script's `{ value }`. */
  isUnwrapped = false;
  /** What the run's own code may import besides dependencies. */
  modules: VirtualModules | undefined;
  consoleBytes = 0;
  hostCalls = 0;
  /** All bytes it was given so far, whoever counts them for its receipt. */
  bytesIn: number;
  /** Whether the parent knows that it has called the host. */
  hasCalledHost = false;
  /** Bytes of arguments that went to the host. */
  bytesOut = 0;
  /** Those that moved between the sandbox and this worker itself: nobody else can count them. */
  ownBytesIn = 0;
  ownBytesOut = 0;
  gas = 0;
  cpuMs = 0;
  peakMemoryBytes = 0;
  /** When guest code was entered last. */
  enteredAt = 0;
  /** When the run must have ended, on `performance.now()`'s clock. */
  deadline: number = Number.POSITIVE_INFINITY;
  startedAt = 0;
  /** Ends the run at its deadline while it is parked. */
  deadlineTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: number,
    readonly slot: number,
    readonly limits: RunLimits,
    readonly target: RunTarget,
    /** The session it runs in; 0 for a sandbox of its own. */
    readonly sessionId: number = 0,
  ) {
    this.bytesIn = startBytes(target);
  }

  begin(now: number): void {
    this.startedAt = this.enteredAt = now;
    const { timeoutMs, endsAt } = this.limits;
    if (timeoutMs > 0) this.deadline = now + timeoutMs;
    if (endsAt > 0) this.deadline = Math.min(this.deadline, now + endsAt - Date.now());
  }

  /** How it must end by now, on `performance.now()`'s clock: notes a limit that is reached. */
  verdictBy(now: number): Verdict | undefined {
    if (this.verdict) return this.verdict;
    const { cpuMs, gas } = this.limits;
    if (now > this.deadline) this.verdict = this.timedOut();
    else if (cpuMs > 0 && this.cpuMs + now - this.enteredAt > cpuMs) {
      this.verdict = this.cpuExceeded(this.cpuMs + now - this.enteredAt);
    } else if (gas > 0 && this.gas > gas) {
      const message = `The run took more than the ${gas} interrupt polls that limits.gas allows.`;
      this.verdict = { code: "gas-exceeded", message };
    }
    return this.verdict;
  }

  /** Whether there is a verdict by now. */
  isOver(now: number): boolean {
    return this.verdictBy(now) !== undefined;
  }

  cpuExceeded(usedMs: number): Verdict {
    return {
      code: "cpu-exceeded",
      message: `The run executed for ${Math.ceil(usedMs)} ms, and limits.cpuMs allows ${this.limits.cpuMs} ms.`,
    };
  }

  /** Counts a call of the host. False when there was one too many: the run is over. */
  countHostCall(): boolean {
    const { hostCalls } = this.limits;
    if (hostCalls > 0 && this.hostCalls >= hostCalls) {
      const message = `The run called the host more than the ${hostCalls} times that limits.hostCalls allows.`;
      this.verdict ??= { code: "host-calls-exceeded", message };
      return false;
    }
    this.hostCalls++;
    return true;
  }

  /** Bytes that may still come out. */
  get outputLeft(): number {
    const { bytesOut } = this.limits;
    return bytesOut === 0 ? Number.POSITIVE_INFINITY : Math.max(0, bytesOut - this.bytesOut);
  }

  /** Bytes that may still come in. */
  get inputLeft(): number {
    const { bytesIn } = this.limits;
    return bytesIn === 0 ? Number.POSITIVE_INFINITY : Math.max(0, bytesIn - this.bytesIn);
  }

  /** Counts what the run is given. False when it is too much: the run is over, and is not given it. */
  countInput(bytes: number): boolean {
    const isTooMuch = bytes > this.inputLeft;
    this.bytesIn += bytes;
    if (isTooMuch) this.refuseInput(`${this.bytesIn} bytes`);
    return !isTooMuch;
  }

  /** Ends the run for what it would be given. */
  refuseInput(what: string): void {
    const message = `The run was given ${what}, and limits.bytesIn allows ${this.limits.bytesIn}.`;
    this.verdict ??= { code: "input-exceeded", message };
  }

  timedOut(): Verdict {
    return {
      code: "timeout",
      message: `The run exceeded its time limit of ${this.limits.timeoutMs} ms.`,
    };
  }

  cost(now: number): RunCost {
    return {
      wallMs: this.startedAt === 0 ? 0 : now - this.startedAt,
      cpuMs: this.cpuMs,
      gas: this.gas,
      peakMemoryBytes: this.peakMemoryBytes,
      hostCalls: this.hostCalls,
      bytesIn: this.ownBytesIn,
      bytesOut: this.ownBytesOut,
    };
  }
}
