/** What goes wrong with files, by Node's codes. */

/** Each code's number, as on Linux: what `os` in a sandbox gives out. */
const ERROR_NUMBERS = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EACCES: 13,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
} as const;

export type FileErrorCode = keyof typeof ERROR_NUMBERS;

const REASONS: Readonly<Record<FileErrorCode, string>> = {
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EIO: "the storage failed",
  EACCES: "permission denied",
  EEXIST: "file already exists",
  ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory",
  EINVAL: "invalid argument",
  EFBIG: "file too large",
  ENOSPC: "no space left on device",
  EROFS: "read-only file system",
  ENAMETOOLONG: "name too long",
  ENOTEMPTY: "directory not empty",
};

/** What was tried, for the error: the operation's name and the path as the caller wrote it. */
export interface Attempt {
  readonly syscall: string;
  readonly path: string;
}

/** A message shows this much of a path that a guest made up. */
const SHOWN_PATH = 200;

/** An operation on files failed. Shaped like the errors of Node's `fs`. */
export class FileError extends Error {
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;

  constructor(
    readonly code: FileErrorCode,
    { syscall, path }: Attempt,
    reason: string = REASONS[code],
  ) {
    const shown = path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path;
    super(`${code}: ${reason}, ${syscall} '${shown}'`);
    this.errno = -ERROR_NUMBERS[code];
    this.syscall = syscall;
    this.path = shown;
  }
}

/** Raised where nobody knows how the caller wrote the path: who does makes a FileError of it. */
export class StorageError extends Error {
  constructor(
    readonly code: FileErrorCode,
    readonly reason?: string,
    options?: ErrorOptions,
  ) {
    super(reason ?? REASONS[code], options);
  }
}

export function isFileErrorCode(code: unknown): code is FileErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_NUMBERS, code);
}
