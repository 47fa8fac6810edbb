/** Where in a package's own files a place in its bundle comes from. */
import { SourceMap, type SourceMapPayload } from "node:module";
import type { SourceLocation } from "../source-location.ts";
import { bundlePackage, type BundleRequest } from "./bundle.node.ts";

/** A place in one of a package's files, and the file's text. */
export interface OriginalPlace {
  location: SourceLocation;
  text: string | undefined;
}

/** Bundles the package once more, with a source map, since it is only needed when something failed. */
export async function originalPlace(
  request: BundleRequest,
  { line, column }: SourceLocation,
): Promise<OriginalPlace | undefined> {
  const { map } = await bundlePackage({ ...request, withMap: true });
  if (map === undefined) return undefined;
  const payload = JSON.parse(map) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(line - 1, column - 1);
  if (!("originalSource" in entry)) return undefined;
  const { originalSource: file, originalLine, originalColumn } = entry;
  const text = payload.sourcesContent[payload.sources.indexOf(file)];
  return { location: { file, line: originalLine + 1, column: originalColumn + 1 }, text };
}
