/** What host functions must fulfil beyond their own form; nothing a page needs before its workers. */
import { SkepError } from "../errors.ts";
import type { PreparedHost } from "./host-functions.ts";
import { readSignature } from "./host-signature.ts";

/** Checks functions that are about to be defined beside others. Throws `invalid-argument`. */
export function checkHosts(hosts: readonly PreparedHost[], defined: Iterable<string>): void {
  if (hosts.length === 0) return;
  for (const { name, signature, description } of hosts) {
    if (signature !== undefined && readSignature(signature) === undefined) {
      throw invalid(
        `host.${name}: signature must be the TypeScript of parameters and result, like "(id: number): Promise<string>".`,
      );
    }
    if (description !== undefined && typeof description !== "string") {
      throw invalid(`host.${name}: description must be a text.`);
    }
  }
  checkPaths(
    hosts.map(({ name }) => name),
    defined,
  );
}

/** No path may be both a function and a namespace of others. */
function checkPaths(paths: readonly string[], defined: Iterable<string>): void {
  const all = new Set([...defined, ...paths]);
  for (const path of all) {
    for (let end = path.lastIndexOf("."); end > 0; end = path.lastIndexOf(".", end - 1)) {
      const outer = path.slice(0, end);
      if (!all.has(outer)) continue;
      throw invalid(
        paths.includes(path)
          ? `host.${path} cannot be defined: host.${outer} is a function. Undefine that first.`
          : `host.${outer} cannot be a function: host.${path} is defined. Undefine that first.`,
      );
    }
  }
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
