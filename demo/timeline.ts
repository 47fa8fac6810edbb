/**
 * What the lanes show: which runs each worker had, over time. At 50,000 calls a second nobody can
 * see every run, so a lane follows a few at a time and lets the others pass. Time stands still
 * while nothing runs, and starts anew with the next call.
 */

/** Runs of one worker that are followed at a time. */
export const TRACKS = 4;
/** What a new picture shows at first; it grows with the time that passes. */
const MINIMUM_WINDOW_MS = 100;
const MAXIMUM_WINDOW_MS = 8_000;
/** A track takes at most this many runs per window: more would be thinner than a pixel. */
const RUNS_PER_WINDOW = 150;
const MAXIMUM_SEGMENTS = 2_000;

export interface Segment {
  track: number;
  startMs: number;
  /** Undefined while it runs. */
  endMs: number | undefined;
  isOk: boolean;
}

export interface Lane {
  workerId: number;
  state: string;
  settled: number;
  segments: Segment[];
  /** When its worker ended. */
  losses: number[];
}

interface LaneRecord extends Lane {
  followed: Map<number, Segment>;
  /** Per track: whether a run is followed on it, and when the last one began. */
  isBusy: boolean[];
  lastStartMs: number[];
}

export class Timeline {
  #lanes: LaneRecord[] = [];
  #respawning: LaneRecord | undefined;
  #startMs = 0;
  #endMs = 0;
  #inFlight = 0;

  /** Starts over with the workers of a new pool. */
  reset(workerIds: readonly number[], state: string): void {
    this.#lanes = workerIds.map((workerId) => newLane(workerId, state));
    this.#inFlight = 0;
    this.#startMs = 0;
    this.#endMs = 0;
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  get isRunning(): boolean {
    return this.#inFlight > 0;
  }

  /** The time shown at the right edge, and how much is shown. */
  view(now: number): { endMs: number; windowMs: number } {
    const endMs = this.isRunning ? now : this.#endMs;
    const elapsedMs = endMs - this.#startMs;
    const windowMs = Math.min(MAXIMUM_WINDOW_MS, Math.max(MINIMUM_WINDOW_MS, elapsedMs * 1.02));
    // Until the window is full, it fills from the left.
    return { endMs: this.#startMs + Math.max(elapsedMs, windowMs), windowMs };
  }

  dispatched(runId: number, workerId: number, attempt: number, now: number): void {
    if (this.#inFlight === 0) this.#begin(now);
    // A run that lost its worker has been in flight all the time.
    if (attempt === 1) this.#inFlight++;
    const lane = this.#lane(workerId);
    if (lane === undefined) return;
    const elapsedMs = Math.max(MINIMUM_WINDOW_MS, now - this.#startMs);
    const gapMs = Math.min(MAXIMUM_WINDOW_MS, elapsedMs) / RUNS_PER_WINDOW;
    for (let track = 0; track < TRACKS; track++) {
      if (lane.isBusy[track] === true || now - (lane.lastStartMs[track] ?? 0) < gapMs) continue;
      const segment: Segment = { track, startMs: now, endMs: undefined, isOk: true };
      lane.isBusy[track] = true;
      lane.lastStartMs[track] = now;
      lane.followed.set(runId, segment);
      lane.segments.push(segment);
      // Half at once: taking the first of an array off every time would cost more than the rest.
      if (lane.segments.length > MAXIMUM_SEGMENTS) lane.segments.splice(0, MAXIMUM_SEGMENTS / 2);
      return;
    }
  }

  /** `attempts` is 0 for a run that ended before it was dispatched. */
  settled(runId: number, workerId: number, isOk: boolean, attempts: number, now: number): void {
    if (attempts === 0) return;
    const lane = this.#lane(workerId);
    if (lane !== undefined) {
      lane.settled++;
      const segment = lane.followed.get(runId);
      if (segment !== undefined) {
        segment.isOk = isOk;
        this.#close(lane, runId, segment, now);
      }
    }
    this.#inFlight = Math.max(0, this.#inFlight - 1);
    this.#endMs = now;
  }

  /** A worker ended. What was in flight on it is dispatched again, or settles. */
  lost(workerId: number, now: number): void {
    const lane = this.#lane(workerId);
    if (lane === undefined) return;
    if (this.#inFlight === 0 && this.#startMs === 0) this.#begin(now);
    lane.losses.push(this.#inFlight === 0 ? this.#endMs : now);
    for (const [runId, segment] of lane.followed) {
      segment.isOk = false;
      this.#close(lane, runId, segment, now);
    }
  }

  /** A replacement keeps its predecessor's lane: it is spawned right after the seat says so. */
  stateChanged(workerId: number, state: string): void {
    const lane = this.#lane(workerId);
    if (lane === undefined) return;
    lane.state = state;
    if (state === "starting") this.#respawning = lane;
  }

  spawned(workerId: number): void {
    if (this.#respawning !== undefined) this.#respawning.workerId = workerId;
    this.#respawning = undefined;
  }

  #begin(now: number): void {
    this.#startMs = now;
    this.#endMs = now;
    for (const lane of this.#lanes) {
      lane.segments.length = 0;
      lane.losses.length = 0;
      lane.lastStartMs.fill(0);
    }
  }

  #close(lane: LaneRecord, runId: number, segment: Segment, now: number): void {
    segment.endMs = now;
    lane.isBusy[segment.track] = false;
    lane.followed.delete(runId);
  }

  #lane(workerId: number): LaneRecord | undefined {
    return this.#lanes.find((lane) => lane.workerId === workerId);
  }
}

function newLane(workerId: number, state: string): LaneRecord {
  return {
    workerId,
    state,
    settled: 0,
    segments: [],
    losses: [],
    followed: new Map(),
    isBusy: Array.from({ length: TRACKS }, () => false),
    lastStartMs: Array.from({ length: TRACKS }, () => 0),
  };
}
