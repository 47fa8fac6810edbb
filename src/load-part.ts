/** Parts of skep that are only fetched when they are used, so that importing it stays cheap. */
import { messageOf, SkepError } from "./errors.ts";

/**
 * Loads a part with `load`, which must contain the literal `import()` that bundlers look for.
 * Rejects with `unsupported-environment` when its file is not there, e.g. because a new build
 * replaced it while a page was open.
 */
export async function loadPart<Part>(purpose: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    const reason = messageOf(cause);
    throw new SkepError(
      "unsupported-environment",
      `The part of skep for ${purpose} could not be loaded: ${reason}. Serve every file of the ` +
        "build, chunks of lazily loaded code included; a page that was open while a new build " +
        "replaced them must be loaded again.",
      { cause },
    );
  }
}
