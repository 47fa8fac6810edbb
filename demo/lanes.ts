/** One lane per worker: its state, its runs over time, and a button that ends it. */
import type { WorkerHealth } from "skep";
import { type Palette, Surface } from "./canvas.ts";
import { create, setText } from "./dom.ts";
import { bytes, count, plural } from "./format.ts";
import { type Lane, type Timeline, TRACKS } from "./timeline.ts";

const TRACK_GAP = 2;

interface LaneView {
  item: HTMLLIElement;
  name: HTMLElement;
  state: HTMLElement;
  facts: HTMLElement;
  restart: HTMLButtonElement;
  surface: Surface;
}

export class LanesView {
  #views: LaneView[] = [];

  constructor(
    readonly list: HTMLOListElement,
    readonly timeline: Timeline,
    readonly onRestart: (workerId: number) => void,
    readonly onResize: () => void,
  ) {}

  /** Has a lane for each worker, and no other. */
  resize(lanes: number): void {
    while (this.#views.length > lanes) this.#views.pop()?.item.remove();
    while (this.#views.length < lanes) this.#views.push(this.#add(this.#views.length));
  }

  /** Names, states and numbers. */
  refresh(health: readonly WorkerHealth[]): void {
    for (const [index, view] of this.#views.entries()) {
      const lane = this.timeline.lanes[index];
      if (lane === undefined) {
        setText(view.name, `Worker ${index + 1}`);
        setText(view.state, "starting");
        setText(view.facts, "");
        view.state.dataset["state"] = "starting";
        view.restart.disabled = true;
        continue;
      }
      const facts = health.find(({ id }) => id === lane.workerId);
      setText(view.name, `Worker ${lane.workerId}`);
      setText(view.state, lane.state);
      setText(view.facts, describe(lane, facts));
      view.state.dataset["state"] = lane.state;
      view.restart.disabled = lane.state !== "ready" && lane.state !== "degraded";
      view.restart.setAttribute("aria-label", `Kill worker ${lane.workerId}`);
    }
  }

  draw(palette: Palette, now: number): void {
    const { endMs, windowMs } = this.timeline.view(now);
    for (const [index, { surface }] of this.#views.entries()) {
      surface.clear();
      const lane = this.timeline.lanes[index];
      if (lane !== undefined) drawLane(surface, lane, palette, { now, endMs, windowMs });
    }
  }

  #add(index: number): LaneView {
    const item = create("li", "lane");
    const head = create("div", "lane-head");
    const name = create("strong", "lane-name", `Worker ${index + 1}`);
    const state = create("span", "chip", "starting");
    const facts = create("span", "lane-facts");
    const restart = create("button", "quiet small", "Kill");
    restart.type = "button";
    restart.disabled = true;
    restart.addEventListener("click", () => {
      const lane = this.timeline.lanes[index];
      if (lane !== undefined) this.onRestart(lane.workerId);
    });
    const canvas = create("canvas", "lane-canvas");
    canvas.setAttribute("aria-hidden", "true");
    head.append(name, state, facts, restart);
    item.append(head, canvas);
    this.list.append(item);
    return { item, name, state, facts, restart, surface: new Surface(canvas, this.onResize) };
  }
}

function describe(lane: Lane, health: WorkerHealth | undefined): string {
  const facts = [`${count(lane.settled)} settled`];
  if (health !== undefined) {
    facts.push(`${count(health.pending)} in flight`);
    if (health.memoryBytes !== undefined && health.memoryBytes > 0)
      facts.push(bytes(health.memoryBytes));
    if (health.restarts > 0) facts.push(plural(health.restarts, "restart"));
  }
  return facts.join(" · ");
}

function drawLane(
  surface: Surface,
  lane: Lane,
  palette: Palette,
  { now, endMs, windowMs }: { now: number; endMs: number; windowMs: number },
): void {
  const { context, width, height } = surface;
  const trackHeight = (height - TRACK_GAP * (TRACKS - 1)) / TRACKS;
  const x = (ms: number): number => width * (1 - (endMs - ms) / windowMs);
  const lastX = Array.from({ length: TRACKS }, () => -1);

  context.fillStyle = palette.grid;
  for (let track = 0; track < TRACKS; track++) {
    const y = track * (trackHeight + TRACK_GAP) + trackHeight / 2;
    context.fillRect(0, Math.round(y), width, 1);
  }
  for (const { track, startMs, endMs: settledMs, isOk } of lane.segments) {
    const from = Math.max(0, x(startMs));
    const to = x(settledMs ?? now);
    // What has left the picture, and what the run before it covers.
    if (to < 0 || (isOk && to < (lastX[track] ?? 0) + 1)) continue;
    lastX[track] = to;
    context.fillStyle = settledMs === undefined ? palette.open : isOk ? palette.ok : palette.bad;
    const y = track * (trackHeight + TRACK_GAP);
    context.fillRect(from, y, Math.max(1.5, to - from - 0.5), trackHeight);
  }
  context.fillStyle = palette.lost;
  for (const lossMs of lane.losses) context.fillRect(Math.min(width - 2, x(lossMs)), 0, 2, height);
}
