/**
 * Work that waits only where its storage does: the same code answers at once on memory and later
 * on a disk. It is a generator that yields what it waits for.
 */

export type Steps<Result> = Generator<PromiseLike<unknown>, Result, unknown>;

/** What a storage gives: at once, or later. */
export type Eventual<Value> = Value | Promise<Value>;

/** Waits for a value, if it has to be waited for. */
export function* wait<Value>(value: Eventual<Value>): Steps<Value> {
  return value instanceof Promise ? ((yield value) as Value) : value;
}

/** Work was to be done at once that has to wait. */
export class CannotWaitError extends Error {}

/** Does one piece of work after the other; each begins when the one before it has ended. */
export class Turns {
  #last: Promise<unknown> | undefined;

  /** Does work in its turn: at once, where nothing is under way and nothing has to be waited for. */
  perform<Result>(steps: Steps<Result>): Eventual<Result> {
    const before = this.#last;
    if (before !== undefined) return this.#keep(before.then(() => proceed(steps)));
    const first = steps.next();
    return first.done === true ? first.value : this.#keep(proceed(steps, first.value));
  }

  /** Does work at once. Throws {@link CannotWaitError} when it would have to wait. */
  performNow<Result>(steps: Steps<Result>): Result {
    if (this.#last !== undefined) throw new CannotWaitError();
    const first = steps.next();
    if (first.done === true) return first.value;
    Promise.resolve(first.value).catch(() => {});
    throw new CannotWaitError();
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#last !== undefined) await this.#last;
  }

  #keep<Result>(work: Promise<Result>): Promise<Result> {
    const last = work.then(
      () => {},
      () => {},
    );
    this.#last = last;
    void last.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return work;
  }
}

async function proceed<Result>(
  steps: Steps<Result>,
  first?: PromiseLike<unknown>,
): Promise<Result> {
  let awaited = first;
  for (;;) {
    let step: IteratorResult<PromiseLike<unknown>, Result>;
    if (awaited === undefined) step = steps.next();
    else {
      let value: unknown;
      try {
        value = await awaited;
      } catch (error) {
        step = steps.throw(error);
        if (step.done === true) return step.value;
        awaited = step.value;
        continue;
      }
      step = steps.next(value);
    }
    if (step.done === true) return step.value;
    awaited = step.value;
  }
}
