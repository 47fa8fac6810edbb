/** Comparison of secrets. */
import { createHash, timingSafeEqual } from "node:crypto";

/** Whether what a peer presents is the token. How long it takes says nothing about either. */
export function isToken(presented: unknown, token: string): boolean {
  // Hashes are of equal length, whatever was presented; text that is no text never matches.
  const isEqual = timingSafeEqual(
    digest(typeof presented === "string" ? presented : ""),
    digest(token),
  );
  return isEqual && typeof presented === "string";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
