/** How many frames a peer may send: so many a second, and a second's worth at once. */
import type { Clock } from "../../pool/clock.ts";

export class FrameBudget {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #left: number;
  #countedAtMs: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#left = perSecond;
    this.#countedAtMs = clock.now();
  }

  /** Takes one frame. False when there is none left. */
  take(): boolean {
    const nowMs = this.#clock.now();
    const earned = ((nowMs - this.#countedAtMs) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + earned);
    this.#countedAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
