/** Calls of guests for the pool's files: they travel as calls of host functions do. */

/** What their names begin with, and no host function's can. */
export const FILE_CALL = ":";

/** What a worker knows of the pool's files. */
export interface FileSetup {
  /**
   * What a run does to them is undone when it fails, or it cannot do anything: so it may be run
   * again when its worker is lost.
   */
  isUndoable: boolean;
}
