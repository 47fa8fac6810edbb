/**
 * Which build of the engine a worker's sandboxes are instances of. The plain one copies the whole
 * image back at each reset; the tracking one only what was written, but runs guest code slower.
 */
import type { Engine } from "./engine.ts";

/** What copying the image back costs. */
const RESET_BYTES_PER_MS = 50e6;
/** How much slower guest code runs when its writes are noted: measured as 5 to 15 %. */
const TRACKING_SLOWDOWN = 0.12;
/** One must be so many times better than the other to be changed to. */
const ADVANTAGE = 1.5;
/** Runs before the first change and between two: new sandboxes cost a millisecond each. */
const RUNS_PER_CHOICE = 1_000;
/** From this image size on nobody waits for runs: it pays for almost all. */
const LARGE_IMAGE_BYTES = 512 * 1024;
const AVERAGE_WEIGHT = 0.01;

export class EngineChoice {
  #current: Engine;
  readonly #plain: Engine;
  readonly #load: () => Promise<Engine>;
  readonly #onFailure: (error: unknown) => void;
  #tracking: Engine | undefined;
  #loading: Promise<void> | undefined;
  #cannotTrack: boolean;
  #averageCpuMs = 0;
  #runs = 0;

  /**
   * @param load - loads the tracking build; called at most once.
   * @param onFailure - told when it cannot be had; the plain one serves then.
   */
  constructor(plain: Engine, load: () => Promise<Engine>, onFailure: (error: unknown) => void) {
    this.#plain = this.#current = plain;
    this.#load = load;
    this.#onFailure = onFailure;
    this.#cannotTrack = plain.name !== "sync";
  }

  /** A run has spent so much time in the engine. */
  noteRun(cpuMs: number): void {
    this.#runs++;
    this.#averageCpuMs += AVERAGE_WEIGHT * (cpuMs - this.#averageCpuMs);
  }

  /** The engine for new sandboxes, with an image of that size. */
  review(imageBytes: number): Engine {
    if (this.#cannotTrack || this.#runs < RUNS_PER_CHOICE) return this.#current;
    this.#runs = 0;
    this.#choose(imageBytes);
    return this.#current;
  }

  /** As {@link review}, for a new image: waits for the tracking build where the image is large. */
  async settle(imageBytes: number): Promise<Engine> {
    if (this.#cannotTrack) return this.#current;
    const isLarge = imageBytes >= LARGE_IMAGE_BYTES;
    if (isLarge) await this.#prepare();
    if (isLarge || this.#current !== this.#plain) this.#choose(imageBytes);
    return this.#current;
  }

  #choose(imageBytes: number): void {
    const saved = imageBytes / RESET_BYTES_PER_MS;
    const spent = this.#averageCpuMs * TRACKING_SLOWDOWN;
    if (spent > saved * ADVANTAGE) this.#current = this.#plain;
    else if (saved > spent * ADVANTAGE) {
      if (this.#tracking) this.#current = this.#tracking;
      else void this.#prepare();
    }
  }

  #prepare(): Promise<void> {
    this.#loading ??= this.#load().then(
      (engine) => {
        this.#tracking = engine;
      },
      (error: unknown) => {
        this.#cannotTrack = true;
        this.#onFailure(error);
      },
    );
    return this.#loading;
  }
}
