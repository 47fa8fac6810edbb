/** What a session has missed: between runs it stands still. */
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import type { Address } from "./engine.ts";
import type { Run } from "./run.ts";
import type { Completion } from "./sandbox.ts";
import type { SessionMemory } from "./sessions.ts";
import { hasMore } from "./turns.ts";

/** Overdue timers that run before the run's own code. */
const DUE_TIMERS = 100;

/** Lets happen in a session what became due since its last run. */
export function catchUp(
  run: Run,
  cell: Cell,
  session: SessionMemory,
  cells: Cells,
  onThrown: (thrown: Address) => void,
): void {
  const { sandbox } = cell;
  const settled = (completion: Completion): void => {
    if (completion.threw && !run.verdict) onThrown(completion.value);
    if (!run.verdict) sandbox.runJobs();
  };
  if (session.isCopy) {
    session.isCopy = false;
    cells.reseed(cell);
    settled(sandbox.call(sandbox.anchors.helpers.abandonHost, 0));
  }
  for (const act of session.late.splice(0)) {
    if (run.verdict) return;
    settled(act(sandbox));
  }
  if (!session.hasTimer) return;
  session.hasTimer = false;
  // A timer that arms itself again must not keep the run from starting.
  for (let count = 0; count < DUE_TIMERS && !run.verdict; count++) {
    const ran = sandbox.call(sandbox.anchors.helpers.runTimer, 0);
    const isLast = !ran.threw && !hasMore(sandbox, ran);
    settled(ran);
    if (isLast) return;
  }
}
