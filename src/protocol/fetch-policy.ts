/** What guests may fetch, with every default filled in: as workers receive it. */
export interface FetchPolicy {
  /** Origins as the URL standard serializes them, e.g. `https://api.example.com`. */
  allow: string[];
  /** Bytes the body of a request may have, and that of a response after decoding. */
  maxBytes: number;
  /** Milliseconds from the call to the body's last byte, redirects included. */
  timeoutMs: number;
  /** Calls of `fetch` one run may make. */
  maxRequestsPerRun: number;
  /** Requests of one run that may be open at once. */
  maxConcurrentPerRun: number;
  /** Whether addresses that are not the public internet's may be connected to. */
  privateNetwork: boolean;
}
