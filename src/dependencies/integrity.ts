/** Subresource integrity: hashes that fetched bytes must have. */
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { ExpectedHash } from "./integrity-expression.ts";

const HASH = { sha256, sha384, sha512 };

/** Why the bytes are not what was expected, or undefined when they are. */
export function integrityFailure(
  bytes: Uint8Array,
  expected: readonly ExpectedHash[],
): string | undefined {
  const algorithm = expected[0]?.algorithm;
  if (algorithm === undefined) return undefined;
  const digest = base64(HASH[algorithm](bytes));
  if (expected.some((hash) => hash.digest === digest.replaceAll("=", ""))) return undefined;
  return `its integrity is ${algorithm}-${digest}, which is not what was asked for`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
