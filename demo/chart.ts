/** Calls per second over the last half minute. */
import type { Palette, Surface } from "./canvas.ts";

const INTERVAL_MS = 100;
const POINTS = 300;
/** A point is the mean of this many intervals: one alone is too nervous to read. */
const SMOOTHING = 5;

export class ThroughputMeter {
  readonly #points: number[] = [];
  readonly #recent: number[] = [];
  #lastMs: number | undefined;
  #lastSettled = 0;

  /** Takes the number settled so far. Returns whether there is a new point. */
  sample(settled: number, now: number): boolean {
    this.#lastMs ??= now;
    const elapsedMs = now - this.#lastMs;
    if (elapsedMs < INTERVAL_MS) return false;
    const rate = Math.max(0, settled - this.#lastSettled) / (elapsedMs / 1000);
    this.#lastMs = now;
    this.#lastSettled = settled;
    this.#recent.push(rate);
    if (this.#recent.length > SMOOTHING) this.#recent.shift();
    this.#points.push(this.current);
    if (this.#points.length > POINTS) this.#points.shift();
    return true;
  }

  /** A new pool counts from 0 again. */
  restart(): void {
    this.#lastSettled = 0;
  }

  /** After a pause, what came before says nothing about now. */
  resume(now: number): void {
    this.#lastMs = now;
    this.#recent.length = 0;
  }

  get current(): number {
    if (this.#recent.length === 0) return 0;
    return this.#recent.reduce((sum, rate) => sum + rate, 0) / this.#recent.length;
  }

  get peak(): number {
    return Math.max(0, ...this.#points);
  }

  /** Whether all it shows has returned to zero. */
  get isQuiet(): boolean {
    return this.#recent.length === SMOOTHING && this.#recent.every((rate) => rate === 0);
  }

  draw(surface: Surface, palette: Palette): void {
    const { context, width, height } = surface;
    const top = this.peak * 1.1 || 1;
    const x = (index: number): number => width * ((POINTS - this.#points.length + index) / POINTS);
    const y = (rate: number): number => height - 1.5 - (rate / top) * (height - 4);
    surface.clear();
    context.fillStyle = palette.grid;
    for (const share of [0.25, 0.5, 0.75])
      context.fillRect(0, Math.round(height * share), width, 1);
    if (this.#points.length < 2) return;
    context.beginPath();
    for (const [index, rate] of this.#points.entries()) context.lineTo(x(index), y(rate));
    context.strokeStyle = palette.ok;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, height);
    context.lineTo(x(0), height);
    context.globalAlpha = 0.18;
    context.fillStyle = palette.ok;
    context.fill();
    context.globalAlpha = 1;
  }
}
