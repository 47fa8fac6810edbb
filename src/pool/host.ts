/** Functions of the host in a pool that has some, or files: many have none, and do without this. */
import type { PreparedHost } from "../registry/host-functions.ts";
import { checkHosts } from "../registry/host-checks.ts";
import { declareHosts } from "../registry/host-declarations.ts";
import type { Registry } from "../registry/registry.ts";
import type { Clock } from "./clock.ts";
import type { SharedFiles } from "./files/shared-files.ts";
import { HostCalls } from "./host-calls.ts";

export class PoolHost {
  readonly calls: HostCalls;
  readonly #registry: Registry;

  constructor(registry: Registry, clock: Clock, files: SharedFiles | undefined) {
    this.#registry = registry;
    this.calls = new HostCalls((name) => registry.hostFunction(name), clock, files);
  }

  /** Checks functions that are to be defined besides those there are. Throws `invalid-argument`. */
  check(given: readonly PreparedHost[]): void {
    const defined = this.#registry.hostFunctions().map(({ name }) => name);
    checkHosts(given, defined);
  }

  /** See `Pool.describe()`. */
  describe(): string {
    return declareHosts(this.#registry.hostFunctions());
  }
}
