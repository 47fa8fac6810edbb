/** The playground: joins the editor, the pool, and what is shown of it. */
import type { Pool } from "skep";
import { runBatch } from "./batch.ts";
import { readPalette, Surface } from "./canvas.ts";
import { ThroughputMeter } from "./chart.ts";
import { byId, setText } from "./dom.ts";
import { createEditor } from "./editor.ts";
import { examples } from "./examples.ts";
import { FilesPanel } from "./files/files-panel.ts";
import { count, milliseconds, plural } from "./format.ts";
import { LanesView } from "./lanes.ts";
import { describeError, OutputView } from "./output.ts";
import { type HostState, PoolHost } from "./pool-host.ts";
import { Repl } from "./repl/repl.ts";
import { callCount, poolChoice, runLimits, setUpSettings, useEnvironment } from "./settings.ts";
import { showStatus } from "./status.ts";
import { setUpTheme } from "./theme.ts";
import { Timeline } from "./timeline.ts";
import { setUpViews, shownView } from "./views.ts";

/** How often numbers and lists change: faster, nobody could read them. */
const TEXT_INTERVAL_MS = 125;
/** Asking for health makes the workers answer. */
const HEALTH_INTERVAL_MS = 500;
/** How often pictures change for those who want less motion. */
const REDUCED_MOTION_INTERVAL_MS = 500;

const runOnce = byId("run-once", HTMLButtonElement);
const runMany = byId("run-many", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const progress = byId("progress", HTMLProgressElement);
const summary = byId("summary", HTMLElement);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

let palette = readPalette();
let batch: AbortController | undefined;
let batchSettled = 0;
let frame = 0;
let lastTextMs = 0;
let lastHealthMs = 0;
let lastPictureMs = 0;
let health: ReturnType<Pool["health"]> = [];

const host = new PoolHost();
const files = new FilesPanel();
const repl = new Repl(host, () => files.refresh());
const timeline = new Timeline();
const meter = new ThroughputMeter();
const output = new OutputView(() => wake());
const lanes = new LanesView(
  byId("lanes", HTMLOListElement),
  timeline,
  (workerId) => host.pool?.restartWorker(workerId),
  () => redraw(),
);
const chart = new Surface(byId("chart", HTMLCanvasElement), () => redraw());
const editor = createEditor(byId("editor", HTMLElement), examples[0]?.source ?? "");

// --- The pool ---------------------------------------------------------------------------------

function startPool(): void {
  batch?.abort();
  const choice = poolChoice();
  const isThreaded =
    choice.environment === "web-worker" || (choice.environment === "auto" && crossOriginIsolated);
  timeline.reset([], "starting");
  lanes.resize(isThreaded ? choice.workers : 1);
  void host.use(choice);
}

host.onChange = (state: HostState) => {
  health = [];
  meter.restart();
  if (state.state === "ready") {
    watch(state.pool);
    repl.onPool(state.pool);
    files.onPool(state.pool);
    health = state.pool.health();
    timeline.reset(
      health.map(({ id }) => id),
      "ready",
    );
    lanes.resize(health.length);
  }
  showStatus(state, { useWebWorkers: () => useEnvironment("web-worker"), tryAgain: startPool });
  showButtons();
  redraw();
};

function watch(pool: Pool): void {
  pool.on("run-dispatched", ({ runId, workerId, attempt }) => {
    timeline.dispatched(runId, workerId, attempt, performance.now());
    wake();
  });
  pool.on("run-settled", ({ runId, workerId, ok, receipt }) => {
    timeline.settled(runId, workerId, ok, receipt.attempts, performance.now());
  });
  pool.on("worker-lost", ({ workerId }) => {
    timeline.lost(workerId, performance.now());
    redraw();
  });
  pool.on("worker-state", ({ workerId, to }) => {
    timeline.stateChanged(workerId, to);
    redraw();
  });
  pool.on("worker-spawned", ({ workerId }) => timeline.spawned(workerId));
  pool.on("worker-restarted", () => redraw());
  pool.on("console", (event) => {
    if (!repl.logged(event)) output.logged(event);
  });
}

// --- Running ----------------------------------------------------------------------------------

async function run(total: number): Promise<void> {
  const { pool } = host;
  if (pool === undefined || batch !== undefined) return;
  const controller = new AbortController();
  batch = controller;
  batchSettled = 0;
  progress.max = total;
  progress.value = 0;
  setText(summary, total === 1 ? "Running …" : `Running ${count(total)} calls …`);
  showButtons();
  try {
    await host.define(pool, editor.source());
    setText(summary, await runCalls(pool, total, controller.signal));
  } catch (error) {
    // Of a run, every failure is an outcome: only the definition can fail.
    const { code, message } = describeError(error);
    output.failed(error);
    output.select("errors");
    setText(summary, `Not run: ${code}: ${message}`);
  }
  batch = undefined;
  progress.value = batchSettled;
  showButtons();
  redraw();
  // Once more, when the workers have told how much memory they have now.
  setTimeout(redraw, HEALTH_INTERVAL_MS);
}

/** Runs the calls, and returns a sentence about how it went. */
async function runCalls(pool: Pool, total: number, signal: AbortSignal): Promise<string> {
  let returned = 0;
  let last = "";
  const began = performance.now();
  await runBatch(pool, {
    total,
    signal,
    ...runLimits(),
    onSettled(call, outcome) {
      batchSettled++;
      if (outcome.ok) returned++;
      output.settled(call, outcome);
      if (total === 1) {
        const took = milliseconds(outcome.receipt.wallMs);
        last = outcome.ok ? `Returned in ${took}` : `${outcome.error.code} after ${took}`;
      }
    },
  });
  if (total === 1) return `${last}.`;
  const elapsedMs = performance.now() - began;
  const failed = batchSettled - returned;
  const rate = count(Math.round(batchSettled / (elapsedMs / 1000)));
  const head = signal.aborted
    ? `Stopped: ${count(batchSettled)} of ${count(total)} calls settled`
    : `${plural(total, "call")} in ${milliseconds(elapsedMs)}, ${rate} per second`;
  return `${head}: ${count(returned)} returned, ${count(failed)} failed.`;
}

function showButtons(): void {
  const canRun = host.pool !== undefined && batch === undefined;
  // Not `disabled` while a batch runs: that would take the focus of whoever has just pressed it.
  for (const button of [runOnce, runMany]) {
    button.disabled = host.pool === undefined;
    button.setAttribute("aria-disabled", String(!canRun));
  }
  stop.disabled = batch === undefined;
}

// --- Showing ----------------------------------------------------------------------------------

/** Starts the frames, unless they run. They end by themselves when nothing changes any more. */
function wake(): void {
  if (frame !== 0) return;
  const now = performance.now();
  meter.resume(now);
  frame = requestAnimationFrame(onFrame);
}

/** Shows everything again, also where nothing runs. */
function redraw(): void {
  lastTextMs = 0;
  lastHealthMs = 0;
  lastPictureMs = 0;
  wake();
}

function onFrame(now: number): void {
  const stats = host.pool?.stats();
  const settled = stats === undefined ? 0 : stats.completed + stats.failed;
  meter.sample(settled, now);
  if (now - lastTextMs >= TEXT_INTERVAL_MS) {
    lastTextMs = now;
    showText(now);
  }
  if (!reducedMotion.matches || now - lastPictureMs >= REDUCED_MOTION_INTERVAL_MS) {
    lastPictureMs = now;
    lanes.draw(palette, performance.now());
    meter.draw(chart, palette);
  }
  const isBusy = batch !== undefined || timeline.isRunning || !meter.isQuiet;
  frame = 0;
  if (isBusy) frame = requestAnimationFrame(onFrame);
  else showAll(now);
}

/** The last picture before the frames end: nothing may be left as it was in between. */
function showAll(now: number): void {
  showText(now);
  lanes.draw(palette, performance.now());
  meter.draw(chart, palette);
}

function showText(now: number): void {
  const { pool } = host;
  if (pool !== undefined && now - lastHealthMs >= HEALTH_INTERVAL_MS) {
    lastHealthMs = now;
    health = pool.health();
  }
  const stats = pool?.stats();
  const { p50: run50, p95: run95 } = stats?.runMs ?? { p50: 0, p95: 0 };
  const { p50: wait50, p95: wait95 } = stats?.waitMs ?? { p50: 0, p95: 0 };
  show("m-throughput", count(Math.round(meter.current)));
  show("m-queued", count(stats?.queued ?? 0));
  show("m-in-flight", count(stats?.inFlight ?? 0));
  show("m-completed", count(stats?.completed ?? 0));
  show("m-failed", count(stats?.failed ?? 0));
  show("m-run", pair(run50, run95));
  show("m-wait", pair(wait50, wait95));
  show("m-restarts", count(stats?.restarts ?? 0));
  show("chart-peak", meter.peak > 0 ? `peak ${count(meter.peak)} / s` : "last 30 s");
  const { windowMs } = timeline.view(performance.now());
  show("lanes-scale", `${milliseconds(windowMs)} across`);
  progress.value = batchSettled;
  lanes.refresh(health);
  output.render();
}

function show(id: string, text: string): void {
  setText(byId(id, HTMLElement), text);
}

function pair(p50: number, p95: number): string {
  return p95 === 0 ? "–" : `${milliseconds(p50)} / ${milliseconds(p95)}`;
}

// --- Controls ---------------------------------------------------------------------------------

function setUpExamples(): void {
  const select = byId("example", HTMLSelectElement);
  for (const [label, hostile] of [
    ["Well-behaved", false],
    ["Hostile", true],
  ] as const) {
    const group = document.createElement("optgroup");
    group.label = label;
    for (const example of examples.filter((candidate) => candidate.hostile === hostile)) {
      group.append(new Option(example.label, example.id));
    }
    select.append(group);
  }
  select.addEventListener("change", () => {
    const chosen = examples.find(({ id }) => id === select.value);
    if (chosen !== undefined) editor.replace(chosen.source);
  });
}

function setUpShortcuts(): void {
  // In the capture phase: the editor has a use of its own for some of these.
  document.addEventListener("keydown", onKeyDown, { capture: true });
}

function onKeyDown(event: KeyboardEvent): void {
  if (shownView() !== "calls") return;
  if (!event.ctrlKey && !event.metaKey) return;
  if (event.key === "Enter") void run(event.shiftKey ? callCount() : 1);
  else if (event.key === ".") batch?.abort();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function markCurrentPage(): void {
  const isPlain = location.pathname.endsWith("/plain.html");
  byId(isPlain ? "to-plain" : "to-isolated", HTMLAnchorElement).ariaCurrent = "page";
}

runOnce.addEventListener("click", () => void run(1));
runMany.addEventListener("click", () => void run(callCount()));
stop.addEventListener("click", () => batch?.abort());
byId("clear", HTMLButtonElement).addEventListener("click", () => {
  output.clear();
  setText(summary, "Cleared.");
});
setUpViews((view) => {
  if (view === "repl") {
    repl.open();
    files.refresh();
  }
  redraw();
});
setUpExamples();
setUpShortcuts();
markCurrentPage();
setUpTheme(byId("theme", HTMLButtonElement), () => {
  palette = readPalette();
  redraw();
});
setUpSettings(startPool);
startPool();
