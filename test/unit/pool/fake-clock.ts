import type { Clock } from "../../../src/pool/clock.ts";

/** A clock that only moves when told to. */
export class FakeClock implements Clock {
  #now = 0;
  #lastId = 0;
  readonly #tasks = new Map<number, { dueMs: number; task: () => void }>();

  /** Tasks that are due some time. */
  get pendingCount(): number {
    return this.#tasks.size;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const id = ++this.#lastId;
    this.#tasks.set(id, { dueMs: this.#now + delayMs, task });
    return () => this.#tasks.delete(id);
  }

  /** Moves on, running what falls due in order, with everything that follows from it. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#now + durationMs;
    for (;;) {
      await settle();
      const due = [...this.#tasks]
        .filter(([, { dueMs }]) => dueMs <= endMs)
        .sort(([leftId, left], [rightId, right]) => left.dueMs - right.dueMs || leftId - rightId);
      const [id, next] = due[0] ?? [];
      if (id === undefined || next === undefined) break;
      this.#tasks.delete(id);
      this.#now = Math.max(this.#now, next.dueMs);
      next.task();
    }
    this.#now = endMs;
    await settle();
  }

  /** Lets time pass without anything running: this thread was busy or asleep. */
  jump(durationMs: number): void {
    this.#now += durationMs;
  }
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}
