/**
 * The control interface: rare requests with replies, exposed by a worker over Comlink. Runs and
 * their results do not travel here, see `messages.ts`.
 */

import type { SourceLocation } from "../source-location.ts";
import type { FileSetup } from "./file-calls.ts";
import type { FetchPolicy } from "./fetch-policy.ts";
import type { RunLimits } from "./messages.ts";
import type { WebApiName } from "./web-apis.ts";

export type EngineName = "sync" | "asyncify";

/** Whether a run gets a fresh sandbox or shares its worker's. */
export type Isolation = "call" | "worker";

export interface WorkerSettings {
  engine: EngineName;
  /**
   * The engine, compiled once by the parent and shared; absent where it cannot be, so that the
   * worker loads its own.
   */
  engineModule: WebAssembly.Module | undefined;
  isolation: Isolation;
  /** Of runs that name no others. */
  limits: RunLimits;
  /** What sandboxes have besides the language. */
  webApis: WebApiName[];
  /** What guests may fetch; without it there is no `fetch`. */
  fetch?: FetchPolicy | undefined;
  /** About the files that guests share; without it there are none. */
  files?: FileSetup | undefined;
  /** Milliseconds a definition's own code (bootstrap, dependencies) may run. */
  installTimeoutMs: number;
  /** How much engine stack guest code may use, in bytes; the environment knows its native stack. */
  stackBytes: number;
  /** Milliseconds by which this machine's clock is ahead of the pool's. */
  clockAheadMs?: number | undefined;
  /** What another worker of the same pool answered with: its engine need not be booted again. */
  start?: EngineStart | undefined;
  /** Images to start from instead, and the registry they were made of. Trusted. */
  prepared?: { images: PreparedImages; change: RegistryChange } | undefined;
}

/**
 * A booted and checked engine, as one worker of a pool passes it on to the others. Trusted: only
 * ever an answer to `initialise`, by a worker that has not run anything yet.
 */
export interface EngineStart {
  /** Must be that of the engine it is used with. */
  readonly engineBuild: string;
  /** The workers' own; can be cloned. */
  readonly state: unknown;
}

/** What a worker tells about itself once its engine runs. */
export interface WorkerReady {
  /** Identifies the engine build; images only fit the build that made them. */
  engineBuild: string;
  /** For the pool's other workers, when this one booted its engine itself. */
  start?: EngineStart | undefined;
}

/** A function as workers receive it. */
export interface FunctionDefinition {
  /** Stable for as long as the name is defined; a redefinition keeps it. */
  id: number;
  name: string;
  /** An expression that evaluates to the function, whose text starts on its second line. */
  source: string;
  /** Where the host binds `{ dependencies, constants }`: the index of a parameter literally named `context`. */
  contextIndex?: number | undefined;
  /** Aliases to resolve before the first call, for `context.dependencies`. */
  dependencies: string[];
}

/** A constant, its value in inbound form: an array that holds the one value. */
export interface ConstantDefinition {
  name: string;
  value: Uint8Array;
}

/** How a dependency reaches the sandbox. */
export type DependencyDefinition =
  | { alias: string; kind: "source"; source: string; pick?: ExportChoice | undefined }
  | { alias: string; kind: "commonjs"; source: string; pick?: ExportChoice | undefined }
  | {
      alias: string;
      kind: "host-module";
      /** What the worker imports, e.g. `node:path` or an absolute URL. */
      specifier: string;
      /** Reachable exports; `"all"` for every named export. */
      exports: string[] | "all";
      /**
       * Classes of which instances may be handed to the guest as opaque handles, and their
       * methods it may call; `"all"`: the public methods of every class's own prototype.
       */
      handles: Record<string, string[]> | "all";
      pick?: ExportChoice | undefined;
    };

/** Which part of a dependency `wpc_import` yields when it is not the whole module. */
export type ExportChoice = { export: string };

/** A change of the registry: removals are applied first. */
export interface RegistryChange {
  /** The registry's revision after this change. */
  revision: number;
  bootstrap?: string | undefined;
  define: {
    functions: FunctionDefinition[];
    constants: ConstantDefinition[];
    dependencies: DependencyDefinition[];
    /** Paths of host functions, e.g. `db.query`. */
    hosts?: string[] | undefined;
  };
  undefine: {
    functions: string[];
    constants: string[];
    dependencies: string[];
    hosts?: string[] | undefined;
  };
}

/** What kind of definition a name belongs to. */
export type DefinitionKind = "function" | "constant" | "dependency" | "bootstrap";

/** Why a change was not applied; the worker's registry is as it was before. */
export interface InstallFailure {
  kind: DefinitionKind;
  name: string;
  /** The guest's error name and message, or the host module's. */
  message: string;
  /** Where in the guest's source, as far as it is known. */
  location?: SourceLocation | undefined;
}

export type InstallResult = { ok: true; revision: number } | { ok: false; failure: InstallFailure };

/** A sandbox's memory as plain data. */
export interface ImageState {
  /** Where memory is not all zeros, and how much of it: the bytes follow each other in `bytes`. */
  stretches: (readonly [start: number, length: number])[];
  bytes: Uint8Array;
  /** Where memory is all zeros, between the stretches. */
  gaps: (readonly [start: number, length: number])[];
  heapEnd: number;
  /** The workers' own; plain data. */
  anchors: unknown;
}

/** What a worker has made of the engine and the registry, for workers to start from. */
export interface PreparedImages {
  /** Must be that of the worker. */
  engineBuild: string;
  /** The engine stack the images were made with. */
  stackBytes: number;
  /** What was found out about the engine; the workers' own. */
  layout: unknown;
  /** The sandbox before anything was defined, and with everything. */
  empty: ImageState;
  template: ImageState;
}

/** The name of the error of a worker that is given an image of another engine. */
export const IMAGE_REFUSED = "ImageRefusedError";

/** What a session of a worker begins with. */
export type SessionOrigin =
  /** The pool's definitions as they are now. */
  | { type: "image" }
  /** Another session of the same worker, as it is now. */
  | { type: "session"; sessionId: number }
  | { type: "state"; state: SessionState };

export interface OpenSession {
  /** Unique within the pool. */
  sessionId: number;
  /** The sandbox heap's hard maximum; a state brings its own. */
  memoryBytes: number;
  /** Whether a run that reaches a limit leaves the session as it was before. */
  rollsBack: boolean;
  /** Anybody may have written the state: the memory it was in serves nobody else. */
  isForeign: boolean;
  from: SessionOrigin;
}

/**
 * A session's memory on its way from one worker to another. Its addresses are not checked: what is
 * wrong there ends in the sandbox's own memory.
 */
export interface SessionState extends ImageState {
  /** Must be that of the worker. */
  engineBuild: string;
  maximumPages: number;
  ballast: { start: number; end: number };
  growthRefused: boolean;
  hasTimer: boolean;
  /** Milliseconds since the session began. */
  ageMs: number;
}

/** What a worker's sandboxes take. */
export interface WorkerStatistics {
  /** Bytes of WebAssembly memory all sandboxes have grown to. */
  memoryBytes: number;
  /**
   * Bytes of that which sandboxes have touched, and copies of those put away: an estimate of what
   * is really in memory.
   */
  usedBytes: number;
}

/** What the parent may ask of a worker. */
export interface WorkerControl {
  /** Starts the engine and takes the first image. Rejects when the engine cannot run here. */
  initialise(settings: WorkerSettings): Promise<WorkerReady>;
  /** Applies a change to the template and takes a new image, or leaves all as it was. */
  install(change: RegistryChange): Promise<InstallResult>;
  statistics(): Promise<WorkerStatistics>;
  /** Lets go of sandboxes that nobody uses at the moment. */
  trim(): Promise<void>;
  /** Makes a sandbox that several runs use, one after the other. */
  openSession(request: OpenSession): Promise<void>;
  /**
   * What a session is like while no run is in it. With `ifQuiet` undefined when its guest waits for
   * the host, which a copy would wait for in vain.
   */
  captureSession(sessionId: number, ifQuiet: boolean): Promise<SessionState | undefined>;
  /** Frees a session; unknown ones are ignored. */
  closeSession(sessionId: number): Promise<void>;
  /** The images that runs start from. */
  captureImages(): Promise<PreparedImages>;
  /** Frees every sandbox. The worker can be terminated afterwards. */
  shutdown(): Promise<void>;
}
