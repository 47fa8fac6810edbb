/**
 * A worker's state, and the one function that changes it. A state belongs to a place in the pool:
 * when a worker is lost, its replacement takes the place over.
 *
 * `starting`: opening, starting its engine, installing the registry. `ready`: takes runs.
 * `degraded`: something in it is past its limits and is being ended; takes no new runs.
 * `restarting`: lost, its replacement is due. `stopped`: closed, or its restarts are used up.
 */
export type WorkerState = "starting" | "ready" | "degraded" | "restarting" | "stopped";

/** What can happen to a place. */
export type WorkerIncident =
  /** The engine runs and the registry is installed. */
  | "started"
  /** A run is past its limits. */
  | "suspected"
  /** The run past its limits has ended by itself. */
  | "recovered"
  /** The worker ended, was terminated for a hang, or could not start. */
  | "lost"
  /** A replacement is being opened. */
  | "respawned"
  /** No restart is left. */
  | "exhausted"
  /** The pool closes. */
  | "closed";

const TRANSITIONS: Record<WorkerState, Partial<Record<WorkerIncident, WorkerState>>> = {
  starting: { started: "ready", lost: "restarting", closed: "stopped" },
  ready: { suspected: "degraded", lost: "restarting", closed: "stopped" },
  degraded: { recovered: "ready", lost: "restarting", closed: "stopped" },
  restarting: { respawned: "starting", exhausted: "stopped", closed: "stopped" },
  stopped: {},
};

/** The state after an incident; the same state when the incident means nothing in it. */
export function nextWorkerState(state: WorkerState, incident: WorkerIncident): WorkerState {
  return TRANSITIONS[state][incident] ?? state;
}
