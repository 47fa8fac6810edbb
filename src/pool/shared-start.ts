/**
 * The engine of a pool is booted and checked by the worker that comes first. The others, and
 * replacements later on, take over its first image: that is most of what a start costs.
 */
import type { EngineStart, WorkerReady } from "../protocol/control.ts";

export class SharedStart {
  #start: EngineStart | undefined;
  /** Settled when the first worker is initialised, or could not be. */
  #first: Promise<void> | undefined;

  /**
   * Has a worker initialised by `request`, which is given what the first one made. All others wait
   * for the first, once: when it fails they go on without.
   */
  async initialise(
    request: (start: EngineStart | undefined) => Promise<WorkerReady>,
  ): Promise<WorkerReady> {
    // Not awaited where there is none: the first must be known before the next one comes.
    if (this.#start === undefined && this.#first !== undefined) await this.#first;
    const initialised = request(this.#start).then((ready) => {
      this.#start ??= ready.start;
      return ready;
    });
    this.#first ??= initialised.then(
      () => {},
      () => {},
    );
    return initialised;
  }
}
