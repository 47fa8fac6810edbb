// npm run soak: minutes of work on one pool of two workers, watching what must not grow. Ends with
// code 1 when something does. `npm run soak -- --share 0.1` does a tenth of it.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";

/** What the memory in use may be more at the end than after the warm-up. */
const MEMORY_GROWTH = 1.1;
/** How much slower the last tenth may be than the fastest. */
const SLOW_DOWN = 1.5;
const IN_FLIGHT = 64;
const PARTS = 10;
/** Parts in which sandboxes are made, code is compiled and the heaps find their size. */
const WARM_UP_PARTS = 3;

const { values: options } = parseArgs({
  options: { share: { type: "string", default: "1" }, "no-build": { type: "boolean" } },
});
const share = Number(options.share);
if (!(share > 0 && share <= 1)) throw new Error("--share must be above 0 and at most 1.");
if (options["no-build"] !== true && !(await build())) throw new Error("The build failed.");

// Computed, so that the type checker does not ask for a build first.
const { createPool } = await import(new URL("../dist/index.node.js", import.meta.url).href);

const pool = await createPool({
  workers: 2,
  functions: {
    add: "(left, right) => left + right",
    work: "(text) => { const parts = []; for (let i = 0; i < 200; i++) parts.push({ i, text: text + i }); return parts; }",
    ask: "async (number) => (await host.double(number)) + 1",
    spin: "() => { for (;;); }",
  },
  host: { double: async (/** @type {number} */ number) => number * 2 },
});

/** @type {string[]} */
const faults = [];

/**
 * @param {string} name
 * @param {number} total
 * @param {(index: number) => Promise<void>} act
 */
async function phase(name, total, act) {
  const count = Math.max(PARTS * IN_FLIGHT, Math.round(total * share));
  console.log(`\n${name}: ${count.toLocaleString("en-US")}`);
  /** @type {number[]} */
  const rates = [];
  let index = 0;
  let base = { memory: 0, handles: 0 };
  for (let part = 0; part < PARTS; part++) {
    const end = Math.round(((part + 1) * count) / PARTS);
    const first = index;
    const began = performance.now();
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (index < end) await act(index++);
      }),
    );
    const rate = ((end - first) * 1000) / (performance.now() - began);
    const state = await settledState();
    if (part < WARM_UP_PARTS) base = state;
    else rates.push(rate);
    const megabytes = (state.memory / 2 ** 20).toFixed(0);
    console.log(
      `  ${part + 1}/${PARTS}  ${Math.round(rate).toLocaleString("en-US")}/s  ${megabytes} MB  ${state.handles} handles`,
    );
  }
  const last = await settledState();
  check(name, "memory", last.memory, base.memory * MEMORY_GROWTH);
  check(name, "handles", last.handles, base.handles);
  check(name, "slow-down", Math.max(...rates) / (rates.at(-1) ?? 1), SLOW_DOWN);
}

/** Memory that stays once garbage is gone, and what keeps the process. */
async function settledState() {
  // Garbage of a burst is no leak: what counts is what a collection leaves.
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const handles = process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length;
  return { memory: process.memoryUsage.rss(), handles };
}

/**
 * @param {string} name
 * @param {string} what
 * @param {number} actual
 * @param {number} allowed
 */
function check(name, what, actual, allowed) {
  if (actual <= allowed) return;
  faults.push(`${name}: ${what} is ${actual.toFixed(1)}, and ${allowed.toFixed(1)} is allowed.`);
}

/** @param {unknown} actual @param {unknown} expected */
function same(actual, expected) {
  if (actual !== expected) throw new Error(`Expected ${String(expected)}, got ${String(actual)}.`);
}

console.log(`Node ${process.version}, ${availableParallelism()} cores`);
await phase("fresh calls", 900_000, async (index) =>
  same(await pool.run("add", [index, 1]), index + 1),
);
await phase("fresh calls with data", 100_000, async (index) => {
  const parts = await pool.run("work", [`t${index}-`]);
  same(parts[199].text, `t${index}-199`);
});
await phase("host calls", 100_000, async (index) =>
  same(await pool.run("ask", [index]), index * 2 + 1),
);
await phase("cancelled runs", 10_000, async (index) => {
  const controller = new AbortController();
  const run = pool
    .run("spin", [], { signal: controller.signal })
    .catch((/** @type {{ code: string }} */ { code }) => code);
  setTimeout(() => controller.abort(), index % 5);
  same(await run, "aborted");
});
/** Who waits for a session to fall asleep. @type {Map<number, () => void>} */
const falling = new Map();
pool.on("session-hibernated", (/** @type {{ sessionId: number }} */ { sessionId }) =>
  falling.get(sessionId)?.(),
);
await phase("sessions: opened, run, hibernated, woken, closed", 10_000, async (index) => {
  const session = await pool.session({ idleMs: 1 });
  await session.eval(`const kept = { index: ${index}, text: "x".repeat(10_000) }; 0`);
  if (session.state !== "hibernated") {
    await new Promise((resolve) => falling.set(session.id, () => resolve(undefined)));
    falling.delete(session.id);
  }
  same(await session.eval("kept.index + kept.text.length"), index + 10_000);
  await session.close();
});
const { restarts, inFlight, queued, sessions } = pool.stats();
if (restarts + inFlight + queued + sessions.active + sessions.hibernated > 0)
  faults.push(`Left over: ${JSON.stringify({ restarts, inFlight, queued, sessions })}.`);
await pool.close();

console.log(faults.length === 0 ? "\nNothing grew." : `\n${faults.join("\n")}`);
process.exitCode = faults.length === 0 ? 0 : 1;
