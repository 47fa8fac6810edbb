/** What one run cost. Every outcome carries one, whether the run succeeded or not. */
export interface Receipt {
  /** Milliseconds between submission and the start of the run in its worker. */
  queuedMs: number;
  /** Milliseconds between the start of the run in its worker and its end, waiting included. */
  wallMs: number;
  /** Milliseconds the engine spent executing guest code. */
  cpuMs: number;
  /** Interrupt polls: the same program costs the same gas on the same engine. */
  gas: number;
  /** The sandbox heap's high-water mark in bytes, the engine's own structures included. */
  peakMemoryBytes: number;
  /** Calls from the guest into the host. */
  hostCalls: number;
  /** Bytes that went in, as encoded: arguments or source, what the host and `fetch` answered. */
  bytesIn: number;
  /** Bytes that came out, as encoded: the result, what the host and `fetch` were asked with. */
  bytesOut: number;
  /** The worker that ran it; 0 when it never ran. */
  workerId: number;
  /** How often the run was started: more than 1 when a worker was lost under it. */
  attempts: number;
}
