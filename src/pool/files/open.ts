/** Opens a pool's files before its workers start. */
import type { Platform } from "../../environments/contract.ts";
import { messageOf, SkepError } from "../../errors.ts";
import { MemoryBackend } from "../../files/memory.ts";
import type { FileBackend } from "../../files/volume.ts";
import { invalid } from "../option-checks.ts";
import { PoolFiles } from "./pool-files.ts";
import { type BackendChoice, resolveFiles } from "./settings.ts";
import { SharedFiles } from "./shared-files.ts";

export interface OpenedFiles {
  shared: SharedFiles;
  forHost: PoolFiles;
}

/** Rejects with `invalid-argument`, or `unsupported-environment` where there is no such storage. */
export async function openFiles(platform: Platform, options: unknown): Promise<OpenedFiles> {
  const settings = resolveFiles(options);
  const backend = await openBackend(platform, settings.backend);
  try {
    const shared = new SharedFiles(settings, backend, await backend.usage());
    return { shared, forHost: new PoolFiles(shared) };
  } catch (cause) {
    throw new SkepError(
      "unsupported-environment",
      `The files cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

async function openBackend(platform: Platform, choice: BackendChoice): Promise<FileBackend> {
  if (choice.kind === "memory") return new MemoryBackend();
  const open = platform.fileStorage[choice.kind];
  if (open === undefined) {
    const where = choice.kind === "directory" ? "Node" : "a browser";
    throw unsupported(`files.backend: there is ${wordFor(choice)} only in ${where}. Use "memory".`);
  }
  if (choice.kind === "opfs") {
    try {
      return await open(choice.name);
    } catch (cause) {
      const hint = "It needs a secure context (https or localhost) and storage that is allowed.";
      throw unsupported(
        `The origin's storage cannot be opened: ${messageOf(cause)} ${hint}`,
        cause,
      );
    }
  }
  try {
    return await open(choice.directory);
  } catch (cause) {
    const place = JSON.stringify(choice.directory);
    throw invalid(
      `files.backend.directory: ${place} cannot be used: ${messageOf(cause)}. Make it first.`,
    );
  }
}

function wordFor({ kind }: BackendChoice): string {
  return kind === "directory" ? "a directory" : "OPFS";
}

function unsupported(message: string, cause?: unknown): SkepError {
  return new SkepError("unsupported-environment", message, { cause });
}
