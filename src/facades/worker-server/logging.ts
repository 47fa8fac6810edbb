/** Where the server reports to, and how it calls what others gave it. */

/** Where the server writes what happens. Tokens and contents of messages are never written. */
export interface WorkerServerLogger {
  debug(message: string, context?: Record<string, unknown>): void;
  info(message: string, context?: Record<string, unknown>): void;
  warn(message: string, context?: Record<string, unknown>): void;
  error(message: string, context?: Record<string, unknown>): void;
}

type Level = keyof WorkerServerLogger;

/** A logger that cannot fail; without one to write to, nothing is written. */
export function safeLogger(logger?: WorkerServerLogger): WorkerServerLogger {
  function writer(level: Level): WorkerServerLogger[Level] {
    return (message, context) => {
      try {
        logger?.[level](message, context);
      } catch {
        // A full disk or a broken logger must not cost a connection.
      }
    };
  }
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
}

/** An error's message, for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Functions to be told of something. What one of them throws is logged and stops no other. */
export class Listeners<Values extends unknown[]> {
  readonly #listeners = new Set<(...values: Values) => unknown>();
  readonly #subject: string;
  readonly #logger: WorkerServerLogger;

  constructor(subject: string, logger: WorkerServerLogger) {
    this.#subject = subject;
    this.#logger = logger;
  }

  get count(): number {
    return this.#listeners.size;
  }

  /** Adds a listener, and returns how to remove it. */
  add(listener: (...values: Values) => unknown): () => void {
    // The same function added twice is two listeners, each with its own removal.
    const added = (...values: Values): unknown => listener(...values);
    this.#listeners.add(added);
    return () => void this.#listeners.delete(added);
  }

  tell(...values: Values): void {
    // A listener that adds another one is not to be told by way of that.
    for (const listener of Array.from(this.#listeners)) {
      try {
        const result = listener(...values);
        if (result instanceof Promise) result.catch((error: unknown) => this.#report(error));
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #report(error: unknown): void {
    this.#logger.error(`A handler of ${this.#subject} failed`, { error: messageOf(error) });
  }
}
