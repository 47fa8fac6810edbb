/** How much a pool's files may take, and how much they do. */
import { StorageError } from "./file-error.ts";
import type { Usage } from "./volume.ts";

export interface QuotaLimits {
  maxBytes: number;
  /** Files and directories. */
  maxFiles: number;
}

/** Shared by the files and by what runs have changed but not committed. */
export class Quota {
  bytes: number;
  files: number;

  constructor(
    readonly limits: QuotaLimits,
    { bytes, files }: Usage,
  ) {
    this.bytes = bytes;
    this.files = files;
  }

  /** Takes room, or gives it back where the numbers are negative. Throws ENOSPC. */
  take(bytes: number, files: number): void {
    const { maxBytes, maxFiles } = this.limits;
    if (bytes > 0 && this.bytes + bytes > maxBytes) {
      throw new StorageError(
        "ENOSPC",
        `no space left: files.maxBytes allows ${maxBytes} bytes, of which ${this.bytes} are taken, and ${bytes} more are needed`,
      );
    }
    if (files > 0 && this.files + files > maxFiles) {
      throw new StorageError(
        "ENOSPC",
        `no space left: files.maxFiles allows ${maxFiles} files and directories, and there are ${this.files}`,
      );
    }
    this.bytes += bytes;
    this.files += files;
  }
}
