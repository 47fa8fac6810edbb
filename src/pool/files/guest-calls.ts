/** What guests may ask of the pool's files, by name. Everything a guest says is checked here. */
import { type Attempt, FileError } from "../../files/file-error.ts";
import * as operations from "../../files/operations.ts";
import type { OpenFlags, Target } from "../../files/operations.ts";
import type { Steps } from "../../files/steps.ts";
import type { Volume } from "../../files/volume.ts";

/** A guest's view of the files. */
export interface GuestView {
  readonly volume: Volume;
  /** Resolves a path inside the mount. Throws FileError. */
  readonly target: (path: unknown, syscall: string) => Target;
  /** The same, for something that changes files. */
  readonly writable: (path: unknown, syscall: string) => Target;
  /** Counts work that no bytes of arguments or answers stand for as so many that came in. */
  readonly charge: (bytes: number) => void;
}

/** What looking at a file or directory counts as. */
const ENTRY_BYTES = 64;

type GuestCall = (view: GuestView, args: readonly unknown[]) => Steps<unknown>;

/** Finds what is called by its own name. */
export function guestCall(name: string): GuestCall {
  const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (call === undefined) throw new Error("There is no such operation on files.");
  return call;
}

const CALLS: Readonly<Record<string, GuestCall>> = {
  // [whether it reads, writes, appends; its size]
  *open({ volume, target, writable }, [path, mode]) {
    const flags = openFlags(mode, path);
    const place = flags.writes ? writable(path, "open") : target(path, "open");
    const size = yield* operations.open(volume, place, flags);
    return [flags.reads, flags.writes, flags.appends, size];
  },
  *read({ volume, target }, [path, position, length]) {
    const place = target(path, "read");
    return yield* operations.read(
      volume,
      place,
      count(position, "position", place),
      count(length, "length", place),
    );
  },
  // [text, how many bytes it was]
  *readText({ volume, target }, [path, position, length]) {
    const place = target(path, "read");
    const most = length === undefined ? Number.MAX_SAFE_INTEGER : count(length, "length", place);
    const start = count(position, "position", place);
    const bytes = yield* operations.read(volume, place, start, most);
    return [textOf(bytes), bytes.length];
  },
  // [line, where the next begins, …]: those that come next, at least one where there is one.
  *lines({ volume, target }, [path, position]) {
    const place = target(path, "read");
    return yield* nextLines(volume, place, count(position, "position", place));
  },
  // [how many bytes were written, where that ended]
  *write({ volume, writable, charge }, [path, position, data]) {
    const place = writable(path, "write");
    const bytes = bytesOf(data, place);
    const start = count(position, "position", place);
    charge(yield* operations.write(volume, place, start, bytes));
    return [bytes.length, start + bytes.length];
  },
  *append({ volume, writable }, [path, data]) {
    const place = writable(path, "write");
    const bytes = bytesOf(data, place);
    return [bytes.length, yield* operations.append(volume, place, bytes)];
  },
  *readFile({ volume, target }, [path, isText]) {
    const place = target(path, "open");
    const bytes = yield* operations.read(volume, place, 0, Number.MAX_SAFE_INTEGER);
    return isText === true ? textOf(bytes) : bytes;
  },
  *writeFile({ volume, writable }, [path, data, mode]) {
    const place = writable(path, "open");
    const bytes = bytesOf(data, place);
    const flags = openFlags(mode, path);
    if (!flags.writes || flags.reads) {
      throw invalid(place, "the flag must be w, wx, a or ax");
    }
    yield* operations.open(volume, place, flags);
    if (flags.appends) yield* operations.append(volume, place, bytes);
    else yield* operations.write(volume, place, 0, bytes);
  },
  // [whether it is a directory, size, when it was modified]
  *stat({ volume, target }, [path]) {
    const { type, size, modifiedMs } = yield* operations.stat(volume, target(path, "stat"));
    return [type === "directory", size, modifiedMs];
  },
  *exists({ volume, target }, [path]) {
    let place: Target;
    try {
      place = target(path, "access");
    } catch {
      // For Node, too, nothing exists where no path leads.
      return false;
    }
    return yield* operations.exists(volume, place);
  },
  // [name, whether it is a directory, …]
  *readdir({ volume, target }, [path, isRecursive]) {
    const list = isRecursive === true ? operations.listAll : operations.list;
    const entries = yield* list(volume, target(path, "readdir"));
    return entries.flatMap(({ name, type }) => [name, type === "directory"]);
  },
  *mkdir({ volume, writable }, [path, isRecursive]) {
    yield* operations.makeDirectory(volume, writable(path, "mkdir"), isRecursive === true);
  },
  *rm({ volume, writable }, [path, isRecursive, isForced]) {
    const options = { recursive: isRecursive === true, force: isForced === true };
    yield* operations.remove(volume, writable(path, "rm"), { ...options, directories: false });
  },
  // A file, or an empty directory.
  *remove({ volume, writable }, [path]) {
    const options = { recursive: false, force: false, directories: true };
    yield* operations.remove(volume, writable(path, "remove"), options);
  },
  *rename({ volume, writable, charge }, [from, to]) {
    const place = writable(from, "rename");
    charge(ENTRY_BYTES * (yield* operations.rename(volume, place, writable(to, "rename"))));
  },
  *copyFile({ volume, target, writable, charge }, [from, to, isExclusive]) {
    const place = target(from, "copyFile");
    const other = writable(to, "copyFile");
    charge(yield* operations.copy(volume, place, other, isExclusive === true));
  },
};

const NEWLINE = 10;
const BLOCK_BYTES = 32 * 1024;

function* nextLines(volume: Volume, place: Target, position: number): Steps<unknown[]> {
  let length = BLOCK_BYTES;
  for (;;) {
    const bytes = yield* operations.read(volume, place, position, length);
    const isAll = bytes.length < length;
    const last = isAll ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    if (last > 0 || isAll) return linesIn(bytes.subarray(0, last), position);
    length *= 4;
  }
}

function linesIn(bytes: Uint8Array, position: number): unknown[] {
  const lines: unknown[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    const next = Math.min(bytes.length, end + 1);
    lines.push(textOf(bytes.subarray(start, end)), position + next);
    start = next;
  }
  return lines;
}

type ParsedFlags = OpenFlags & { reads: boolean; writes: boolean; appends: boolean };

/** `r`, `w` or `a`, with `+`, `b` and `x` in any order. */
function openFlags(mode: unknown, path: unknown): ParsedFlags {
  const text = typeof mode === "string" ? mode : "";
  const [first = "", ...others] = text;
  const isKnown = "rwa".includes(first) && first !== "" && text.length <= 4;
  const isRight = others.every((letter) => "+bx".includes(letter));
  const exclusive = others.includes("x");
  if (!isKnown || !isRight || (exclusive && first === "r")) {
    const attempt = { syscall: "open", path: typeof path === "string" ? path : typeof path };
    const shown = typeof mode === "string" ? JSON.stringify(mode.slice(0, 20)) : typeof mode;
    throw invalid(attempt, `the mode must be r, w or a, with +, b and x, not ${shown}`);
  }
  const isBoth = others.includes("+");
  return {
    reads: first === "r" || isBoth,
    writes: first !== "r" || isBoth,
    appends: first === "a",
    creates: first !== "r",
    truncates: first === "w",
    exclusive,
  };
}

function count(value: unknown, what: string, attempt: Attempt): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(attempt, `the ${what} must be a whole number of at least 0`);
}

function bytesOf(data: unknown, attempt: Attempt): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  throw invalid(attempt, "the data must be a string or bytes");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function invalid(attempt: Attempt, reason: string): FileError {
  return new FileError("EINVAL", attempt, `invalid argument: ${reason}`);
}
