/** The pool that whoever asks for one without options shares. */
import type { QuickJSWorkerPool } from "./pool.ts";

export class SharedPool {
  readonly #create: () => Promise<QuickJSWorkerPool>;
  #promise: Promise<QuickJSWorkerPool> | undefined;
  #pool: QuickJSWorkerPool | undefined;

  constructor(create: () => Promise<QuickJSWorkerPool>) {
    this.#create = create;
  }

  /** The same pool each time, until it is disposed: then a new one. */
  async get(): Promise<QuickJSWorkerPool> {
    if (this.#pool?.alive === false) this.#forget();
    this.#promise ??= this.#start();
    return this.#promise;
  }

  /** The pool, where there is one. Throws where there is none yet. */
  getSync(): QuickJSWorkerPool {
    if (this.#pool?.alive === true) return this.#pool;
    throw new Error("There is no shared worker pool yet. Await getWorkerPool() once before.");
  }

  async #start(): Promise<QuickJSWorkerPool> {
    try {
      return (this.#pool = await this.#create());
    } catch (error) {
      // Whoever asks next may have more luck.
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#promise = undefined;
    this.#pool = undefined;
  }
}
