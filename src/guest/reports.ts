/** What a worker says of a run besides its value. */
import type { MessageFromWorker, WorkerFailureCode } from "../protocol/messages.ts";
import type { Address } from "./engine.ts";
import { Tag } from "./marshal/heap-layout.ts";
import type { Run, Verdict } from "./run.ts";
import type { Sandbox } from "./sandbox.ts";

export function failure(run: Run, verdict: Verdict): MessageFromWorker {
  return {
    type: "failed",
    runId: run.id,
    cost: run.cost(performance.now()),
    code: verdict.code satisfies WorkerFailureCode,
    message: verdict.message,
    isTrap: verdict.isTrap === true,
    thrown: new Uint8Array(0),
  };
}

/** Nobody waits for what a callback throws. */
export function uncaughtWarning(run: Run, sandbox: Sandbox, thrown: Address): MessageFromWorker {
  const { heap } = sandbox;
  heap.refresh();
  const isObject = thrown !== 0 && heap.tag(thrown) === Tag.object;
  const found = isObject ? heap.findData(heap.pointer(thrown), "message") : 0;
  const detail = found === 0 ? "" : `: ${heap.text(found, 500)}`;
  return {
    type: "warning",
    runId: run.id,
    name: "uncaught-in-callback",
    message: `A guest callback threw${detail}`,
  };
}
