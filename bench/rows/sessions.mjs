import { mebibytes, milliseconds } from "./units.mjs";

/** @param {string} way @param {string} label */
function contender(way, label) {
  return { id: way, label, module: "sessions.mjs", options: { way } };
}

/** @type {import("../harness/rounds.mjs").Row} */
export const sessions = {
  id: "sessions",
  title: "A small session: what can be done with it",
  note: "One worker, one at a time; a hundred objects and a function as state. Below: a fresh call, and the same state carried from one fresh call to the next as data.",
  unit: milliseconds,
  multipleOf: 20,
  contenders: [
    contender("run", "a run in it"),
    contender("fork", "fork"),
    contender("snapshot", "snapshot"),
    contender("restore", "restore"),
    contender("hibernate", "hibernate, after its idleMs"),
    contender("wake", "a run that wakes it"),
    contender("call", "a fresh call"),
    contender("carried", "the state carried as data"),
  ],
  comparisons: [
    { label: "fork", subject: "fork", target: { measure: "alone", bound: 2 } },
    { label: "wake", subject: "wake", target: { measure: "alone", bound: 10 } },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const sessionsMemory = {
  id: "sessions-memory",
  title: "1,000 hibernating sessions with state, two workers: resident memory of the process",
  note: "After a garbage collection; a process for every round.",
  unit: mebibytes,
  processes: "fresh",
  contenders: [{ ...contender("many-memory", "all of the process"), execArgv: ["--expose-gc"] }],
  comparisons: [
    {
      label: "all of the process",
      subject: "many-memory",
      target: { measure: "alone", bound: 400 },
    },
  ],
};

/** @type {import("../harness/rounds.mjs").Row} */
export const sessionsWake = {
  id: "sessions-wake",
  title: "1,000 hibernating sessions with state, two workers: a run that wakes one",
  note: "The median of all of them, woken one after the other; a process for every round.",
  unit: milliseconds,
  processes: "fresh",
  contenders: [contender("many-wake", "a run that wakes one")],
  comparisons: [
    {
      label: "a run that wakes one",
      subject: "many-wake",
      target: { measure: "alone", bound: 10 },
    },
  ],
};
