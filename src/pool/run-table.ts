/**
 * The runs in flight on a worker, by id. A `Map` would do, were it not for what it leaves behind:
 * runs come and go so fast that it replaces its table all the time, and tables that have grown old
 * keep the runs they list alive until the next full collection. That was a fifth of all time.
 */
import type { Run } from "./run.ts";

export class RunTable {
  /** Open addressing: a run is at its id's place or, where that was taken, soon after it. */
  readonly #places: (Run | undefined)[];
  readonly #mask: number;
  #size = 0;

  /** @param maximum - how many runs there may be at once. */
  constructor(maximum: number) {
    // Half empty at least: a place is found after a step or two, and there is always an end.
    const capacity = 2 ** Math.ceil(Math.log2(maximum * 2));
    this.#places = Array.from({ length: capacity }, () => undefined);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#size;
  }

  get(id: number): Run | undefined {
    return this.#places[this.#find(id)];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** The caller has made sure that there is room, and no run of the same id. */
  add(run: Run): void {
    this.#places[this.#find(run.id)] = run;
    this.#size++;
  }

  delete(id: number): void {
    let gap = this.#find(id);
    if (this.#places[gap] === undefined) return;
    this.#size--;
    // Those behind it move up, unless they would end up before their own place.
    for (let at = this.#next(gap); ; at = this.#next(at)) {
      const run = this.#places[at];
      if (run === undefined) break;
      const distance = (at - run.id) & this.#mask;
      if (distance < ((at - gap) & this.#mask)) continue;
      this.#places[gap] = run;
      gap = at;
    }
    this.#places[gap] = undefined;
  }

  clear(): void {
    this.#places.fill(undefined);
    this.#size = 0;
  }

  /** All of them as they are now, in the order they were submitted. */
  values(): Run[] {
    return this.#places
      .filter((run) => run !== undefined)
      .sort((left, right) => left.submittedAtMs - right.submittedAtMs || left.id - right.id);
  }

  /** Where a run is, or where it would be put. */
  #find(id: number): number {
    let at = id & this.#mask;
    for (let run = this.#places[at]; run !== undefined && run.id !== id; run = this.#places[at]) {
      at = this.#next(at);
    }
    return at;
  }

  #next(place: number): number {
    return (place + 1) & this.#mask;
  }
}
