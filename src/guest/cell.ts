/** A place for runs: a sandbox, or what is kept of one, and what its guest has under way. */
import type { GuestRequests } from "./fetch/requests.ts";
import type { Image } from "./image.ts";
import type { Run } from "./run.ts";
import type { Sandbox, SandboxHooks } from "./sandbox.ts";
import type { SessionMemory } from "./sessions.ts";
import type { Stowed } from "./stow.ts";

export class Cell {
  image: Image;
  /** The runs in it: at most one, but for a shared cell. */
  readonly runs: Set<Run> = new Set();
  /** Counts its beginnings. What arrives late for an earlier one finds nobody. */
  epoch = 0;
  /** How far its runs outgrew the image at most. Memory that was touched once stays. */
  growthBytes = 0;
  /** Needs a reset before the next run. */
  used = false;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Host promises the guest still waits for. */
  pendingHostCalls = 0;
  /** Calls of host functions the guest still waits for, by id. */
  readonly hostCalls: Set<number> = new Set();
  /** What the sandbox may ask of its worker; made with its first run. */
  hooks: SandboxHooks | undefined;
  readonly handles: Map<number, object> = new Map();
  /** What its sandbox was like, while another cell has it. */
  stowed: Stowed | undefined;
  /** A new sandbox is being made for what was stowed. */
  reviving: Promise<void> | undefined;
  /** What its guests fetch; made with the first request. */
  requests: GuestRequests | undefined;
  /** Set where the cell is a session's: it is not reset after a run. */
  session: SessionMemory | undefined;
  /** When its sandbox was first used, on `performance.now()`'s clock, where a worker's runs share it. */
  sharedSince: number | undefined;
  /** A timer became due in it while no run was there to run it. */
  isOverdue = false;
  #sandbox: Sandbox | undefined;

  constructor(sandbox: Sandbox | undefined, image: Image) {
    this.#sandbox = sandbox;
    this.image = image;
  }

  /** The instance it lives in. A cell that is stowed has none. */
  get sandbox(): Sandbox {
    if (this.#sandbox === undefined) throw new Error("The cell is stowed.");
    return this.#sandbox;
  }

  /** Gives the instance away; what was in it has been stowed. */
  leaveSandbox(stowed: Stowed): void {
    this.stowed = stowed;
    this.#sandbox = undefined;
  }

  /** Lives in this instance from now on; what was stowed has been put back. */
  enterSandbox(sandbox: Sandbox): void {
    this.stowed = undefined;
    this.#sandbox = sandbox;
    if (this.hooks) sandbox.hooks = this.hooks;
  }

  /** What its guest has asked the host for finds nobody from now on. */
  abandonCalls(): void {
    this.epoch++;
    this.pendingHostCalls = 0;
    // Clearing what is empty is not free: it makes a new table.
    if (this.hostCalls.size > 0) this.hostCalls.clear();
    if (this.requests !== undefined) this.endRequests();
  }

  /** Nobody waits for its requests any more. */
  endRequests(): void {
    this.requests?.abort();
    this.requests = undefined;
  }
}
