/** How a worker loads host modules; what is allowed is decided by the registry, not here. */
export interface HostModules {
  /**
   * Imports a module of the host, e.g. `node:path`. Rejects with a message that says what to use
   * instead where the platform has no such module.
   */
  load(specifier: string): Promise<Record<string, unknown>>;
}
