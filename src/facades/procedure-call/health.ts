/** Workers' health, as the facade tells it. */
import type { PoolCore } from "../../pool/core.ts";
import type { WorkerState } from "../../pool/worker-state.ts";

/** One worker's health. */
export interface WorkerHealthInformation {
  worker_id: number;
  health_state: WorkerState;
  /** Calls it has, and its share of those that wait for room in a worker. */
  pending_call_count: number;
  /** Definitions and other requests it has not answered. */
  pending_control_count: number;
  /** Restarts that count against `max_restarts_per_worker`. */
  restart_attempt: number;
}

/** The health of all workers, by their numbers. */
export function healthOf(core: PoolCore): WorkerHealthInformation[] {
  const { supervisor, dispatcher, clock, settings } = core;
  const now = clock.now();
  const workers = supervisor.seats
    .map((seat) => ({
      worker_id: seat.workerId,
      health_state: seat.state,
      pending_call_count: seat.link?.inFlightCount ?? 0,
      pending_control_count: seat.link?.requests.pendingCount ?? 0,
      restart_attempt: seat.usedAttempts(now, settings.restart.healthyAfterMs),
    }))
    .sort((left, right) => left.worker_id - right.worker_id);
  share(dispatcher.queue.size, takers(workers));
  return workers;
}

/** Who will get the calls that wait: the ready ones, else those that may become ready. */
function takers(workers: WorkerHealthInformation[]): WorkerHealthInformation[] {
  const ready = workers.filter(({ health_state }) => health_state === "ready");
  return ready.length > 0
    ? ready
    : workers.filter(({ health_state }) => health_state !== "stopped");
}

/** Gives `count` calls to the workers with the fewest. */
function share(count: number, workers: WorkerHealthInformation[]): void {
  for (let left = count; left > 0; left--) {
    let least = workers[0];
    for (const worker of workers) {
      if (least !== undefined && worker.pending_call_count < least.pending_call_count)
        least = worker;
    }
    if (least === undefined) return;
    least.pending_call_count++;
  }
}
