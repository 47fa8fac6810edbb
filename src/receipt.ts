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
  /** Bytes of arguments or source that went in, as encoded. */
  bytesIn: number;
  /** Bytes of result that came out, as encoded. */
  bytesOut: number;
  /** The worker that ran it; 0 when it never ran. */
  workerId: number;
  /** How often the run was started: more than 1 when a worker was lost under it. */
  attempts: number;
}
