/** What a promise is rejected with, for tests that look at more of it than a matcher does. */
import type { SkepError } from "skep";

/** Fails the test when the promise is fulfilled. */
export async function failure(promise: Promise<unknown>): Promise<SkepError> {
  try {
    await promise;
  } catch (error) {
    return error as SkepError;
  }
  throw new Error("This should have been rejected.");
}
