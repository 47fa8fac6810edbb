/** Requests to a worker over its control interface. On their own they never settle once it is gone. */
import type { Clock } from "./clock.ts";

/** A control request got no reply in time. */
export class ControlTimeoutError extends Error {
  override name = "ControlTimeoutError";
}

/** The worker ended before it replied. */
export class WorkerGoneError extends Error {
  override name = "WorkerGoneError";
}

export interface ControlRequestsOptions {
  workerId: number;
  clock: Clock;
  /** Whether the worker has something to compute. */
  isBusy(this: void): boolean;
  onRequest(this: void): void;
  /** A request was answered, or given up. */
  onSettled(this: void): void;
}

export class ControlRequests {
  readonly #options: ControlRequestsOptions;
  readonly #pending = new Set<(error: Error) => void>();
  readonly #inquiries = new Set<() => void>();
  #isEnded = false;

  constructor(options: ControlRequestsOptions) {
    this.#options = options;
  }

  /** Requests that have not been answered, inquiries apart. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Makes a request. Rejects with {@link ControlTimeoutError} or {@link WorkerGoneError} when no reply
   * comes. With `isPatient` a worker that computes is given as long as that takes: whether it hangs is
   * for the watchdog to say.
   */
  make<Reply>(
    what: string,
    call: () => Promise<Reply>,
    timeoutMs: number,
    isPatient = false,
  ): Promise<Reply> {
    const { workerId, clock, isBusy, onRequest, onSettled } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#isEnded) {
        reject(new WorkerGoneError(`Worker ${workerId} is gone.`));
        return;
      }
      const finish = (): void => {
        this.#pending.delete(fail);
        cancelTimeout();
        onSettled();
      };
      const fail = (error: Error): void => {
        finish();
        reject(error);
      };
      const onTimeout = (): void => {
        if (isPatient && isBusy()) {
          cancelTimeout = clock.schedule(timeoutMs, onTimeout);
          return;
        }
        const message = `Worker ${workerId} did not ${what} within ${timeoutMs} ms.`;
        fail(new ControlTimeoutError(message));
      };
      let cancelTimeout = clock.schedule(timeoutMs, onTimeout);
      this.#pending.add(fail);
      onRequest();
      call().then((reply) => {
        finish();
        resolve(reply);
      }, fail);
    });
  }

  /**
   * Makes a request beside the work: it neither keeps the process nor excuses a worker from making
   * progress, and nobody hears of its failure. Whatever ails the worker, others find out.
   */
  inquire(call: () => Promise<void>, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isEnded) {
        resolve();
        return;
      }
      const finish = (): void => {
        cancelTimeout();
        this.#inquiries.delete(finish);
        resolve();
      };
      const cancelTimeout = this.#options.clock.schedule(timeoutMs, finish, { keepAlive: false });
      this.#inquiries.add(finish);
      call().then(finish, finish);
    });
  }

  /** The worker is gone: no request will be answered. */
  end(reason: string): void {
    this.#isEnded = true;
    for (const fail of this.#pending) fail(new WorkerGoneError(reason));
    for (const finish of this.#inquiries) finish();
  }
}
