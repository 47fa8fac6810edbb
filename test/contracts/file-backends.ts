/** The ways to keep files that the contracts are run on. */
import type { FilesOptions } from "skep";

/** A way to keep files; empty when it is asked for. */
export interface Backend {
  name: string;
  make(): Promise<FilesOptions["backend"]>;
}

export const MEMORY: Backend = { name: "memory", make: async () => "memory" };
