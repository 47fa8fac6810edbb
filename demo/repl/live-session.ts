/** A session of the pool together with its runs so far and the states they left. */
import { type Pool, type RunOutcome, type Session, SkepError, type SkepErrorCode } from "skep";
import { asTyped } from "./complete-input.ts";
import { createNode, keepWithin, pathTo, type RunNode } from "./run-tree.ts";

/** Of the states of one session, compressed. */
const MAXIMUM_IMAGE_BYTES = 64 * 2 ** 20;

/** After these the session is what it was before the run. */
const UNDONE: ReadonlySet<SkepErrorCode> = new Set<SkepErrorCode>([
  "timeout",
  "cpu-exceeded",
  "gas-exceeded",
  "memory-exceeded",
  "stack-exceeded",
  "host-calls-exceeded",
  "input-exceeded",
  "output-exceeded",
  "aborted",
  "worker-lost",
  "quarantined",
  "session-ended",
  "closed",
]);

/** What the sessions of the page share. */
export interface Surroundings {
  /** The pool of the moment; undefined while another one starts. */
  pool(): Pool | undefined;
  nextRunNumber(): number;
  /** Of the runs: the one with this file name begins, or has ended. */
  onBegin(filename: string, node: RunNode): void;
  onEnd(filename: string): void;
  timeoutMs(): number;
  onChange(session: LiveSession): void;
}

export class LiveSession {
  readonly label: string;
  /** Oldest first. */
  readonly runs: RunNode[];
  /** The run whose state the session is in. */
  current: RunNode;
  /** Whether its end was asked for. */
  wasEnded = false;
  /** What is typed and not run yet. */
  draft = "";
  /** What was typed, oldest first. */
  readonly inputs: string[];
  readonly #surroundings: Surroundings;
  readonly #memoryBytes: number;
  readonly #running = new Set<AbortController>();
  #session: Session | undefined;
  /** Everything asked for happens one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    label: string,
    runs: RunNode[],
    session: Session | undefined,
    shared: { surroundings: Surroundings; memoryBytes: number; inputs: readonly string[] },
  ) {
    const current = runs.at(-1);
    if (current === undefined) throw new Error("A session begins with a state.");
    this.label = label;
    this.runs = runs;
    this.current = current;
    this.inputs = [...shared.inputs];
    this.#surroundings = shared.surroundings;
    this.#memoryBytes = shared.memoryBytes;
    this.#session = session;
  }

  /** A session that begins with nothing, or with the image of another one. */
  static async begin(
    label: string,
    surroundings: Surroundings,
    memoryBytes: number,
    image?: Uint8Array,
  ): Promise<LiveSession> {
    const session = await opened(surroundings, memoryBytes, image);
    const start = createNode(0, "", undefined, image ?? (await session.snapshot()));
    const shared = { surroundings, memoryBytes, inputs: [] };
    return new LiveSession(label, [start], session, shared);
  }

  get state(): Session["state"] {
    return this.#session?.state ?? "ended";
  }

  get workerId(): number | undefined {
    return this.#session?.workerId;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Runs source after all that was asked for before, and resolves with the run. */
  run(source: string): Promise<RunNode> {
    const controller = new AbortController();
    this.#running.add(controller);
    if (this.inputs.at(-1) !== source) this.inputs.push(source);
    this.#changed();
    return this.#inTurn(async () => {
      const session = this.#alive();
      const node = createNode(this.#surroundings.nextRunNumber(), source, this.current);
      this.runs.push(node);
      this.current = node;
      this.#changed();
      const filename = `run-${node.number}.js`;
      this.#surroundings.onBegin(filename, node);
      const options = { timeoutMs: this.#surroundings.timeoutMs(), signal: controller.signal };
      node.outcome = await session.execute({ eval: asTyped(source), filename }, options);
      this.#surroundings.onEnd(filename);
      node.isRolledBack = isUndone(node.outcome);
      this.#running.delete(controller);
      this.#changed();
      node.image = node.isRolledBack ? node.parent?.image : await this.#snapshot();
      keepWithin(this.runs, node, MAXIMUM_IMAGE_BYTES);
      return node;
    }).finally(() => this.#running.delete(controller));
  }

  /** Ends the run in it, and what waits behind that. */
  stop(): void {
    for (const controller of this.#running) controller.abort();
  }

  /** Puts the session into the state it had after a run; the other runs stay to be gone to. */
  goTo(node: RunNode): Promise<void> {
    return this.#inTurn(async () => {
      if (node === this.current && this.state !== "ended") return;
      if (node.image === undefined) throw new Error(`The state of run ${node.number} is not kept.`);
      const session = await opened(this.#surroundings, this.#memoryBytes, node.image);
      await this.#session?.close();
      this.#session = session;
      this.current = node;
      this.wasEnded = false;
    });
  }

  /** Another session in the same state, with the runs that led to it. */
  fork(label: string): Promise<LiveSession> {
    return this.#inTurn(async () => {
      const session = await this.#alive().fork();
      return new LiveSession(label, pathTo(this.current), session, {
        surroundings: this.#surroundings,
        memoryBytes: this.#memoryBytes,
        inputs: this.inputs,
      });
    });
  }

  /** The state as bytes, which any pool with the same engine takes. */
  image(): Promise<Uint8Array> {
    return this.#inTurn(() => this.#alive().snapshot());
  }

  end(): Promise<void> {
    this.stop();
    this.wasEnded = true;
    return this.#inTurn(async () => this.#session?.close());
  }

  /** Goes on in another pool: with the last state that was kept. */
  moveToNewPool(): Promise<void> {
    return this.#inTurn(async () => {
      let node: RunNode | undefined = this.current;
      while (node !== undefined && node.image === undefined) node = node.parent;
      if (node === undefined) throw new Error("None of its states is kept.");
      this.#session = undefined;
      this.#session = await opened(this.#surroundings, this.#memoryBytes, node.image);
      this.current = node;
    });
  }

  async #snapshot(): Promise<Uint8Array | undefined> {
    try {
      return await this.#session?.snapshot();
    } catch (error) {
      // It has ended meanwhile, which its state tells.
      if (error instanceof SkepError) return undefined;
      throw error;
    }
  }

  #alive(): Session {
    if (this.#session !== undefined && this.state !== "ended") return this.#session;
    throw new SkepError("session-ended", "The session has ended. Go back to one of its runs.");
  }

  async #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#changed();
    }
  }

  #changed(): void {
    this.#surroundings.onChange(this);
  }
}

function opened(
  surroundings: Surroundings,
  memoryBytes: number,
  image: Uint8Array | undefined,
): Promise<Session> {
  const pool = surroundings.pool();
  if (pool === undefined) throw new Error("The pool is not ready.");
  const options = { limits: { memoryBytes }, checkpoint: "each-run" } as const;
  return image === undefined ? pool.session(options) : pool.restore(image, options);
}

function isUndone(outcome: RunOutcome): boolean {
  return !outcome.ok && UNDONE.has(outcome.error.code);
}
