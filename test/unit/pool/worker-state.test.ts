import { describe, expect, test } from "vitest";
import {
  nextWorkerState,
  type WorkerIncident,
  type WorkerState,
} from "../../../src/pool/worker-state.ts";

const STATES: WorkerState[] = ["starting", "ready", "degraded", "restarting", "stopped"];
const INCIDENTS: WorkerIncident[] = [
  "started",
  "suspected",
  "recovered",
  "lost",
  "respawned",
  "exhausted",
  "closed",
];

describe("nextWorkerState", () => {
  test("goes through a worker's life", () => {
    const life: WorkerIncident[] = [
      "started",
      "suspected",
      "recovered",
      "lost",
      "respawned",
      "lost",
      "exhausted",
    ];
    const states: WorkerState[] = [];
    let state: WorkerState = "starting";
    for (const incident of life) states.push((state = nextWorkerState(state, incident)));
    expect(states).toEqual([
      "ready",
      "degraded",
      "ready",
      "restarting",
      "starting",
      "restarting",
      "stopped",
    ]);
  });

  test("closing stops everything, and nothing leaves stopped", () => {
    for (const state of STATES) expect(nextWorkerState(state, "closed")).toBe("stopped");
    for (const incident of INCIDENTS) expect(nextWorkerState("stopped", incident)).toBe("stopped");
  });

  test("an incident that means nothing in a state changes nothing", () => {
    expect(nextWorkerState("starting", "recovered")).toBe("starting");
    expect(nextWorkerState("ready", "started")).toBe("ready");
    expect(nextWorkerState("restarting", "lost")).toBe("restarting");
  });
});
