/** A pool's files: one place for all runs, on whatever worker, and for the host. */
import { messageOf, SkepError } from "../../errors.ts";
import { BaseVolume } from "../../files/base.ts";
import { commit, CommitConflictError } from "../../files/commit.ts";
import { FileError } from "../../files/file-error.ts";
import type { Target } from "../../files/operations.ts";
import { Overlay } from "../../files/overlay.ts";
import { pathInMount } from "../../files/paths.ts";
import { Quota } from "../../files/quota.ts";
import { CannotWaitError, type Eventual, type Steps, Turns } from "../../files/steps.ts";
import type { FileBackend, Usage, Volume } from "../../files/volume.ts";
import type { FileSetup } from "../../protocol/file-calls.ts";
import type { PreparedHost } from "../../registry/host-functions.ts";
import type { Run } from "../run.ts";
import { guestCall, type GuestView } from "./guest-calls.ts";
import type { FilesSettings } from "./settings.ts";

/** What a run has changed and others do not see yet. */
export interface RunFiles {
  /** Makes it everybody's. Throws, or rejects with, `commit-failed` where that is impossible. */
  commit(): Eventual<void>;
  /** Forgets it. After a commit there is nothing to forget. */
  discard(): void;
}

export class SharedFiles {
  readonly settings: FilesSettings;
  readonly quota: Quota;
  readonly base: Volume;
  readonly #turns = new Turns();
  readonly #overlays = new WeakMap<RunFiles, Overlay>();

  constructor(settings: FilesSettings, backend: FileBackend, usage: Usage) {
    this.settings = settings;
    this.quota = new Quota(settings, usage);
    this.base = new BaseVolume(backend, this.quota);
  }

  /** What workers are told. */
  get setup(): FileSetup {
    const { readOnly, hasOverlays } = this.settings;
    return { isUndoable: readOnly || hasOverlays };
  }

  /** What a guest asks for, as a host function; with `isNow` one that never returns a promise. */
  operation(run: Run, name: string, isNow: boolean): PreparedHost {
    return {
      name: `files.${name}`,
      fn: (...args: unknown[]) => {
        const steps = guestCall(name)(this.#view(run), args);
        return isNow ? this.#performNow(steps) : this.#turns.perform(steps);
      },
    };
  }

  #performNow(steps: Steps<unknown>): unknown {
    try {
      return this.#turns.performNow(steps);
    } catch (error) {
      if (!(error instanceof CannotWaitError)) throw error;
      const message =
        "std and os cannot wait for these files here, where guest and host share a thread: " +
        'use fs, e.g. await fs.readFile(path, "utf8").';
      throw new TypeError(message, { cause: error });
    }
  }

  /** Does what the host asks for. */
  async performForHost<Result>(makeSteps: () => Steps<Result>): Promise<Result> {
    return this.#turns.perform(makeSteps());
  }

  /** Resolves when nothing is under way any more. */
  settled(): Promise<void> {
    return this.#turns.settled();
  }

  /** The path inside the mount. Throws FileError. */
  target(path: unknown, syscall: string): Target {
    const inside = pathInMount(this.settings, path, syscall);
    return { inside, path: path as string, syscall };
  }

  #view(run: Run): GuestView {
    const target = (path: unknown, syscall: string): Target => this.target(path, syscall);
    return {
      volume: this.#volumeOf(run),
      target,
      writable: (path, syscall) => {
        const found = target(path, syscall);
        if (this.settings.readOnly) throw new FileError("EROFS", found);
        return found;
      },
      charge: (bytes) => {
        run.hostBytesIn += bytes;
      },
    };
  }

  /** The files as a run sees them. */
  #volumeOf(run: Run): Volume {
    const { hasOverlays, readOnly } = this.settings;
    if (!hasOverlays || readOnly) return this.base;
    const known = run.files && this.#overlays.get(run.files);
    if (known !== undefined) return known;
    const overlay = new Overlay(this.base, this.quota);
    run.files = this.#runFiles(run, overlay);
    this.#overlays.set(run.files, overlay);
    return overlay;
  }

  #runFiles(run: Run, overlay: Overlay): RunFiles {
    return {
      commit: () => this.#turns.perform(this.#commit(run, overlay)),
      // In its turn: something may be under way for the run.
      discard: () => void this.#turns.perform(discard(overlay)),
    };
  }

  *#commit(run: Run, overlay: Overlay): Steps<void> {
    try {
      yield* commit(this.base, overlay.takeChanges());
    } catch (cause) {
      const reason = this.#commitFailure(cause);
      const message = `The run "${run.name}" succeeded, but what it changed of the files could not be committed: ${reason} Run it again.`;
      throw new SkepError("commit-failed", message, { cause });
    }
  }

  #commitFailure(error: unknown): string {
    if (error instanceof CommitConflictError) {
      const path = `${this.settings.mount}/${error.path}`.replace("//", "/");
      return `'${path}' ${error.message}. Nothing was changed.`;
    }
    const reason = messageOf(error);
    return `${reason}. Some of it may have been written.`;
  }
}

// oxlint-disable-next-line require-yield -- it only waits for its turn
function* discard(overlay: Overlay): Steps<void> {
  overlay.discard();
}
