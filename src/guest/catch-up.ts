/** What a sandbox that is kept has missed: between runs it stands still. */
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import type { Address } from "./engine.ts";
import type { Run } from "./run.ts";
import type { Completion, Sandbox } from "./sandbox.ts";
import type { SessionMemory } from "./sessions.ts";
import { hasMore } from "./turns.ts";

/** Overdue timers that run before the run's own code. */
const DUE_TIMERS = 100;

type OnThrown = (thrown: Address) => void;

/** Lets happen in a session what became due since its last run. */
export function catchUp(
  run: Run,
  cell: Cell,
  session: SessionMemory,
  cells: Cells,
  onThrown: OnThrown,
): void {
  const { sandbox } = cell;
  if (session.isCopy) {
    session.isCopy = false;
    cells.reseed(cell);
    settle(run, sandbox, sandbox.call(sandbox.anchors.helpers.abandonHost, 0), onThrown);
  }
  for (const act of session.late.splice(0)) {
    if (run.verdict) return;
    settle(run, sandbox, act(sandbox), onThrown);
  }
  if (!session.hasTimer) return;
  session.hasTimer = false;
  runDueTimers(run, sandbox, onThrown);
}

/** Runs the timers that are due, and has the next one armed. */
export function runDueTimers(run: Run, sandbox: Sandbox, onThrown: OnThrown): void {
  // A timer that arms itself again must not keep the run from starting.
  for (let count = 0; count < DUE_TIMERS && !run.verdict; count++) {
    const ran = sandbox.call(sandbox.anchors.helpers.runTimer, 0);
    const isLast = !ran.threw && !hasMore(sandbox, ran);
    settle(run, sandbox, ran, onThrown);
    if (isLast) return;
  }
}

function settle(run: Run, sandbox: Sandbox, completion: Completion, onThrown: OnThrown): void {
  if (completion.threw && !run.verdict) onThrown(completion.value);
  if (!run.verdict) sandbox.runJobs();
}
