/** Scripted workers whose sessions are lists of numbers: each run that is answered adds its own. */
import type { OpenSession, SessionState } from "../../../src/protocol/control.ts";
import type { RunMessage, Script, ScriptedWorker } from "./scripted-environment.ts";

export class SessionWorkers {
  /** The lists that each worker has, by session. */
  readonly lists = new Map<ScriptedWorker, Map<number, number[]>>();
  /** What was asked to be opened, in order. */
  readonly requests: OpenSession[] = [];
  /** Runs that wait to be answered, and their workers. */
  readonly runs = new Map<RunMessage, ScriptedWorker>();
  /** What each session had when a run of it was answered last. */
  readonly seen = new Map<number, readonly number[]>();
  /** While true, requests about sessions are not replied to. */
  isSlow = false;
  readonly #held: (() => void)[] = [];

  readonly script: Script = {
    onRun: (worker, run) => this.runs.set(run, worker),
    onCancel: (worker, runId) => {
      for (const [run, owner] of this.runs) {
        if (owner !== worker || run.runId !== runId) continue;
        this.runs.delete(run);
        worker.fail(run, "aborted");
      }
    },
    openSession: (worker, request) => this.#open(worker, request),
    captureSession: async (worker, sessionId) => {
      await this.#turn();
      const list = this.of(worker).get(sessionId);
      if (list === undefined) throw new Error(`The worker has no session ${sessionId}.`);
      return stateOf(list);
    },
    closeSession: async (worker, sessionId) => {
      this.#closedWhileOpening.add(`${worker.workerId}:${sessionId}`);
      this.of(worker).delete(sessionId);
      await this.#turn();
    },
  };

  readonly #closedWhileOpening = new Set<string>();

  of(worker: ScriptedWorker): Map<number, number[]> {
    const lists = this.lists.get(worker) ?? new Map<number, number[]>();
    this.lists.set(worker, lists);
    return lists;
  }

  /** Replies to everything that was held. */
  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  /** Answers a run, with how many numbers its session has then. */
  answer(run: RunMessage, worker = this.runs.get(run)): void {
    this.runs.delete(run);
    const list = worker && this.of(worker).get(run.session);
    if (list === undefined) {
      worker?.fail(run, "worker-lost", "The worker does not have the session.");
      return;
    }
    list.push(valueIn(run));
    this.seen.set(run.session, [...list]);
    worker?.succeed(run, list.length);
  }

  async #open(worker: ScriptedWorker, { sessionId, from, ...rest }: OpenSession): Promise<void> {
    this.requests.push({ sessionId, from, ...rest });
    const key = `${worker.workerId}:${sessionId}`;
    this.#closedWhileOpening.delete(key);
    const original = from.type === "session" ? this.of(worker).get(from.sessionId) : [];
    if (original === undefined) throw new Error("The worker does not have the original.");
    const list = from.type === "state" ? listIn(from.state) : [...original];
    await this.#turn();
    if (this.#closedWhileOpening.has(key)) throw new Error("It was closed before it was open.");
    this.of(worker).set(sessionId, list);
  }

  async #turn(): Promise<void> {
    if (this.isSlow) await new Promise<void>((resolve) => this.#held.push(resolve));
  }
}

/** The number a run brings along. */
function valueIn(run: RunMessage): number {
  if (run.type === "run-source") throw new Error("These tests evaluate nothing.");
  const { bytes } = run.args;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(2, true);
}

function stateOf(list: readonly number[]): SessionState {
  const bytes = new Uint8Array(Int32Array.from([list.length, ...list]).buffer);
  return {
    engineBuild: "scripted",
    bytes,
    stretches: [[0, bytes.length]],
    gaps: [],
    heapEnd: bytes.length,
    maximumPages: 1,
    ballast: { start: 0, end: 0 },
    growthRefused: false,
    anchors: { helpers: {}, functions: [] },
    hasTimer: false,
    ageMs: 0,
  };
}

function listIn({ bytes }: SessionState): number[] {
  const [, ...list] = new Int32Array(bytes.slice().buffer);
  return list;
}
