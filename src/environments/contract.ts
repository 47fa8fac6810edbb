import type { SourceLocation } from "../source-location.ts";
import type { FileBackend } from "../files/volume.ts";
import type { EngineName, WorkerControl } from "../protocol/control.ts";
import type { Payload } from "../protocol/payload.ts";
import type { WorkerSignals } from "../protocol/signals.ts";

/**
 * An environment is where workers run and how to reach them. It is a pipe: it opens, sends,
 * reports its end. Retries, health and scheduling live above it, in `pool/`.
 */
export interface Environment {
  /** `worker-threads`, `web-worker`, `in-thread`, or the name of a user's own environment. */
  readonly name: string;
  /** True when a worker has a thread of its own, so that a hang can be ended by terminating it. */
  readonly threaded: boolean;
  /** True when workers load the engine themselves, because a compiled one cannot get to them. */
  readonly loadsEngine?: boolean | undefined;
  /** How much engine stack guest code may use in this environment's threads, in bytes, by engine. */
  readonly stackBytes: { readonly sync: number; readonly asyncify: number };
  /**
   * Starts a worker. Resolves when the pipe is open; the engine is started over `control`.
   * Rejects when the worker cannot be created at all.
   */
  open(spec: WorkerSpec): Promise<WorkerHandle>;
}

/** What an environment needs to know to open a worker. */
export interface WorkerSpec {
  /** The pool's number for this worker: for thread names, never reused within a pool. */
  workerId: number;
  /** Runs that may be in flight at once: sizes the signal block. */
  slots: number;
  /** The worker's own code makes requests, because guests may fetch something. */
  network: boolean;
  /** How long the owner waits for it. */
  startTimeoutMs?: number | undefined;
  /**
   * Told why, where somebody else has to give the worker and has none, and without a reason once
   * there is one. With it an environment may wait as long as it finds right for that; the owner then
   * takes a failure for the end of all waiting. Without it there is `startTimeoutMs` for everything.
   */
  onWait?: ((reason: string | undefined) => void) | undefined;
  /** Fires when the owner wants no worker any more. */
  signal?: AbortSignal | undefined;
  /**
   * The signals are not the owner's: that a run acts in its worker has to be told by message, where
   * it would otherwise be seen there.
   */
  isRelayed?: boolean | undefined;
  /** Where the worker may send its batches itself, past its owner. */
  direct?: DirectAddress | undefined;
}

/** Where a worker reaches the pool, and the word that says which worker it is. */
export interface DirectAddress {
  url: string;
  ticket: string;
  lane: number;
  maxFrameBytes: number;
}

/** One open worker. */
export interface WorkerHandle {
  /** The worker's control interface, over Comlink. Calls never settle once the worker is gone. */
  readonly control: WorkerControl;
  /** What reaches the worker while guest code spins, where anything does. */
  readonly signals: WorkerSignals | undefined;
  /**
   * Sends a batch of the data wire. The bytes may be transferred: do not touch them afterwards. The
   * buffers beside them stay the sender's, who may send them again.
   */
  post(batch: Payload): void;
  /** Set by the owner right after `open` resolves: receives batches of the data wire, for good. */
  onBatch: (batch: Payload, order?: number) => void;
  /**
   * The worker has taken the direct way of its spec. It still hands its owner what it cannot send at
   * once, with its number in the order of all.
   */
  isDirect?: boolean | undefined;
  /**
   * Set by the owner right after `open` resolves: answers a synchronous host call. Only used by
   * environments whose workers share the owner's thread; others answer through the signals.
   */
  answerNow: (runId: number, name: string, args: Payload) => HostAnswer;
  /**
   * Set by the owner right after `open` resolves: the worker ended without `terminate`, or told
   * something that is not a batch. Called at most once; nothing follows it.
   */
  onEnd: (end: WorkerEnd) => void;
  /**
   * Set by the owner right after `open` resolves: the worker will end by itself before long, and
   * should be given nothing new. Only where somebody else decides on that.
   */
  onLeaving?: ((reason: string) => void) | undefined;
  /** Ends the worker at once, whatever it is doing. `onEnd` is not called for it. Idempotent. */
  terminate(): Promise<void>;
  /** Lets the host process exit while the worker idles, or not. No-op where it means nothing. */
  keepAlive(alive: boolean): void;
}

/** The answer to a host call, in inbound form. */
export interface HostAnswer {
  succeeded: boolean;
  payload: Payload;
  /** There was more to say than the run may be given. */
  isTooLarge?: boolean | undefined;
}

/** Why a worker ended. */
export interface WorkerEnd {
  /** The exit code where the platform has one. */
  exitCode?: number | undefined;
  /** A sentence: what happened. */
  reason: string;
  cause?: unknown;
}

/** What a build for one platform knows: only `index*` put one together. */
export interface Platform {
  /** The environments this build can name, by the value of the pool's `environment` option. */
  readonly environments: Readonly<Record<string, Environment>>;
  /** What `environment: "auto"` means here and now, and what the user should be told about it. */
  automatic(): { environment: Environment; warning?: string | undefined };
  /** Loads and compiles an engine. Rejects with `unsupported-environment` and the reason. */
  loadEngine(engine: EngineName): Promise<WebAssembly.Module>;
  /**
   * Bundles an npm package, or a path inside one, from the project's own packages; absent where
   * there are none. Rejects with an Error whose message says why it cannot be had.
   */
  bundlePackage?(
    specifier: string,
    version: string | undefined,
  ): Promise<{ kind: "source" | "commonjs"; source: string }>;
  /** Where in a package's own files a place in its bundle comes from. */
  placeInPackage?(
    specifier: string,
    location: SourceLocation,
  ): Promise<{ location: SourceLocation; text: string | undefined } | undefined>;
  /** Where files can be kept besides in memory, by the value of `files.backend`. */
  readonly fileStorage: {
    /** Rejects with the platform's error when the directory is not there. */
    directory?(path: string): Promise<FileBackend>;
    opfs?(name: string): Promise<FileBackend>;
  };
  /** Logical processors, at least 1. */
  readonly cores: number;
}
