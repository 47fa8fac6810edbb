/** Workers on other machines, which have joined a server. The other half is `skep/remote-worker`. */
import { SkepError } from "../errors.ts";
import type { Environment, WorkerHandle, WorkerSpec } from "./contract.ts";
import { Lenders, type LendingServer } from "./lenders.ts";

/** Options of {@link remote}. */
export interface RemoteOptions {
  /** The pool's first workers that are opened here, by `local`. Default 0. */
  localWorkers?: number | undefined;
  /** Where those are opened. Default: threads. */
  local?: Environment | undefined;
  /**
   * How long a pool waits for a machine that has a worker to give, in place of one that was lost, in
   * milliseconds; 0 is for good. Default 300,000.
   */
  machineTimeoutMs?: number | undefined;
  /**
   * The most bytes that one frame of a machine may have, and that may wait to be sent to it.
   * Default 64 MiB.
   */
  maxFrameBytes?: number | undefined;
}

const KEYS = ["localWorkers", "local", "machineTimeoutMs", "maxFrameBytes"];
const DEFAULT_MACHINE_MS = 300_000;
/** Timers count milliseconds in 31 bits. */
const MAXIMUM_MS = 2 ** 31 - 1;
const DEFAULT_FRAME_BYTES = 64 * 2 ** 20;
/** What parts of large frames are counted in. */
const MAXIMUM_FRAME_BYTES = 2 ** 32 - 1;
const MINIMUM_FRAME_BYTES = 2 ** 16;

/** Machines are lent by a server, not by an environment: pools of the same server share them. */
const lendersOf = new WeakMap<LendingServer, Lenders>();

/** The environment of a server's machines, beside which `threads` are local workers. */
export function remoteEnvironment(
  server: LendingServer,
  options: RemoteOptions,
  threads: Environment,
): Environment {
  const { localWorkers, local, machineTimeoutMs, maxFrameBytes } = resolve(
    server,
    options,
    threads,
  );
  const lenders = lendersOf.get(server) ?? new Lenders(server, { maxFrameBytes });
  lendersOf.set(server, lenders);
  let openLocally = 0;

  async function openHere(spec: WorkerSpec): Promise<WorkerHandle> {
    openLocally++;
    try {
      return counted(await local.open(spec), () => openLocally--);
    } catch (error) {
      openLocally--;
      throw error;
    }
  }

  return {
    name: "remote",
    threaded: true,
    loadsEngine: localWorkers === 0 || local.loadsEngine === true,
    // What every machine can do, tabs of a browser included: see `web-worker.ts`.
    stackBytes: { sync: 96 * 1024, asyncify: 48 * 1024 },
    open: (spec) =>
      openLocally < localWorkers ? openHere(spec) : lenders.open(spec, machineTimeoutMs),
  };
}

/** Tells when a worker is gone: whoever owns one terminates it, also after its own end. */
function counted(handle: WorkerHandle, onGone: () => void): WorkerHandle {
  const terminate = handle.terminate.bind(handle);
  let isGone = false;
  handle.terminate = () => {
    if (!isGone) onGone();
    isGone = true;
    return terminate();
  };
  return handle;
}

function resolve(
  server: LendingServer,
  options: RemoteOptions,
  threads: Environment,
): Required<{ [Key in keyof RemoteOptions]: NonNullable<RemoteOptions[Key]> }> {
  if (typeof (server as LendingServer | undefined)?.onWorkerBinary !== "function") {
    throw invalid("the first argument must be a WorkerServer.");
  }
  for (const key of Object.keys(options)) {
    if (!KEYS.includes(key)) throw invalid(`there is no option "${key}".`);
  }
  const { localWorkers = 0, local = threads, maxFrameBytes = DEFAULT_FRAME_BYTES } = options;
  const { machineTimeoutMs = DEFAULT_MACHINE_MS } = options;
  if (!Number.isInteger(localWorkers) || localWorkers < 0) {
    throw invalid(`localWorkers must be a whole number of at least 0, not ${localWorkers}.`);
  }
  if (typeof local.open !== "function") throw invalid("local must be an environment.");
  if (!local.threaded) throw invalid("local workers must have threads of their own.");
  if (
    !Number.isInteger(machineTimeoutMs) ||
    machineTimeoutMs < 0 ||
    machineTimeoutMs > MAXIMUM_MS
  ) {
    throw invalid(`machineTimeoutMs must be a whole number from 0 to ${MAXIMUM_MS}.`);
  }
  const isSize =
    Number.isInteger(maxFrameBytes) &&
    maxFrameBytes >= MINIMUM_FRAME_BYTES &&
    maxFrameBytes <= MAXIMUM_FRAME_BYTES;
  if (isSize) return { localWorkers, local, machineTimeoutMs, maxFrameBytes };
  const range = `from ${MINIMUM_FRAME_BYTES} to ${MAXIMUM_FRAME_BYTES}`;
  throw invalid(`maxFrameBytes must be a whole number ${range}.`);
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", `remote: ${message}`);
}
