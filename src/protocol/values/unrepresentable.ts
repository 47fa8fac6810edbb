/**
 * A guest's value is sound, but this platform cannot build it: an expression only newer engines
 * know, a buffer larger than the process may have. That is the run's fault and not its worker's.
 */
export class UnrepresentableError extends Error {
  override name = "UnrepresentableError";
}
