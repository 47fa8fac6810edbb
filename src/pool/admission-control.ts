/** Whether a run is accepted, and whether one that waited may still be sent. */
import type { SkepError } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { abortedError, missingRequirement, unknownFunction } from "./outcome.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Run } from "./run.ts";
import type { Settlement } from "./settlement.ts";

/** Makes the error that a run is rejected with. */
export type RunErrorFactory = (run: Run) => SkepError;

export class AdmissionControl {
  /** Why nothing new is accepted; undefined while it is. */
  refusal: RunErrorFactory | undefined;
  readonly #registry: Registry;
  readonly #quarantine: Quarantine;
  readonly #settlement: Settlement;

  constructor(registry: Registry, quarantine: Quarantine, settlement: Settlement) {
    this.#registry = registry;
    this.#quarantine = quarantine;
    this.#settlement = settlement;
  }

  /** Why a run would not be accepted now; undefined when it would, or when only room is lacking. */
  obstacle(run: Run): SkepError | undefined {
    return this.refusal?.(run) ?? this.admit(run) ?? this.#abortion(run);
  }

  /** Notes what a run needs of a worker, or returns why it cannot run at all. */
  admit(run: Run): SkepError | undefined {
    if (run.target.type === "source") {
      run.requiredRevision = this.#registry.revision;
      return this.#quarantined(run);
    }
    const { name } = run.target;
    const admission = this.#registry.admission(name);
    if (admission === undefined) {
      const known = this.#registry.functionNames();
      return unknownFunction(name, known, this.#settlement.receipt(run));
    }
    if (admission.missing !== undefined) {
      return missingRequirement(name, admission.missing, this.#settlement.receipt(run));
    }
    run.functionId = admission.functionId;
    run.sourceHash = admission.hash;
    run.requiredRevision = admission.revision;
    return this.#quarantined(run);
  }

  #quarantined(run: Run): SkepError | undefined {
    if (this.#quarantine.isEmpty) return undefined;
    return this.#quarantine.refusal(run, () => this.#settlement.receipt(run));
  }

  #abortion(run: Run): SkepError | undefined {
    if (run.signal?.aborted !== true) return undefined;
    return abortedError(run, this.#settlement.receipt(run));
  }
}
