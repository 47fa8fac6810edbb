import { WorkerProcedureCall, type WorkerEvent } from "skep/procedure-call";
import { onTestFinished } from "vitest";

type Options = ConstructorParameters<typeof WorkerProcedureCall>[0];

/** An instance that is stopped when its test is over. */
export function create(options: Options = {}): WorkerProcedureCall {
  const calls = new WorkerProcedureCall({ stop_timeout_ms: 2_000, ...options });
  onTestFinished(() => calls.stopWorkers());
  return calls;
}

/** An instance with functions, its workers running. */
export async function started(
  functions: Record<string, (...args: any[]) => unknown> = {},
  { count = 1, ...options }: Options & { count?: number } = {},
): Promise<WorkerProcedureCall> {
  const calls = create(options);
  for (const [name, worker_func] of Object.entries(functions)) {
    await calls.defineWorkerFunction({ name, worker_func });
  }
  await calls.startWorkers({ count });
  return calls;
}

/** Everything an instance reports, and a way to wait for it. */
export interface EventLog {
  events: WorkerEvent[];
  /** The next event, from now on, that fits; at once when one has been reported before. */
  seen(name: string, details?: Record<string, unknown>): Promise<WorkerEvent>;
  named: (name: string) => WorkerEvent[];
}

export function logEvents(calls: WorkerProcedureCall): EventLog {
  const events: WorkerEvent[] = [];
  const waiting = new Set<() => void>();
  calls.onWorkerEvent({
    listener: (event) => {
      events.push(event);
      for (const check of waiting) check();
    },
  });
  return {
    events,
    named: (name) => events.filter((event) => event.event_name === name),
    seen: (name, details = {}) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = events.find(
            (event) =>
              event.event_name === name &&
              Object.entries(details).every(([key, value]) => event.details?.[key] === value),
          );
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject.");
}

/** A function that ends its worker, by way of a host module. */
export async function defineExit(calls: WorkerProcedureCall): Promise<void> {
  await calls.defineWorkerDependency({ alias: "process_dep", module_specifier: "node:process" });
  await calls.defineWorkerFunction({
    name: "exit",
    worker_func: async function (code: number) {
      const { exit } = (await wpc_import("process_dep")) as { exit: (code: number) => void };
      exit(code);
    },
  });
}
