/** Subresource integrity as it is written down. */

/** One hash that the bytes may have. */
export interface ExpectedHash {
  algorithm: Algorithm;
  /** In base64. */
  digest: string;
}

type Algorithm = "sha256" | "sha384" | "sha512";

const DIGEST_BYTES = { sha256: 32, sha384: 48, sha512: 64 };
const EXPRESSION = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(\?.*)?$/;

/**
 * Parses an `integrity` value such as `sha384-…`. Of several hashes the strongest algorithm's count,
 * as in browsers; but what is not understood is refused, not ignored. Undefined when it is wrong.
 */
export function parseIntegrity(integrity: string): ExpectedHash[] | undefined {
  const hashes: ExpectedHash[] = [];
  for (const expression of integrity.trim().split(/\s+/)) {
    const [, algorithm, text] = EXPRESSION.exec(expression) ?? [];
    if (algorithm === undefined || text === undefined) return undefined;
    const digest = text.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Math.floor((digest.replaceAll("=", "").length * 3) / 4);
    if (bytes !== DIGEST_BYTES[algorithm as Algorithm]) return undefined;
    hashes.push({ algorithm: algorithm as Algorithm, digest: digest.replaceAll("=", "") });
  }
  const strongest = hashes
    .map(({ algorithm }) => algorithm)
    .sort()
    .at(-1);
  return hashes.filter(({ algorithm }) => algorithm === strongest);
}
