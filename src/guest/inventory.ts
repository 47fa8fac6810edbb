/** What a worker has been told to carry: its copy of the parent's registry. */
import type {
  ConstantDefinition,
  DependencyDefinition,
  FunctionDefinition,
  RegistryChange,
} from "../protocol/control.ts";

/** A registry as it stood after some change; a change makes a new one and leaves the old alone. */
export class Inventory {
  private constructor(
    readonly revision: number,
    readonly bootstrap: string | undefined,
    private readonly functionsByName: ReadonlyMap<string, FunctionDefinition>,
    private readonly constantsByName: ReadonlyMap<string, ConstantDefinition>,
    private readonly dependenciesByAlias: ReadonlyMap<string, DependencyDefinition>,
    /** Paths of host functions. */
    readonly hosts: ReadonlySet<string>,
  ) {}

  static empty(): Inventory {
    return new Inventory(0, undefined, new Map(), new Map(), new Map(), new Set());
  }

  get functions(): readonly FunctionDefinition[] {
    return [...this.functionsByName.values()];
  }

  get constants(): readonly ConstantDefinition[] {
    return [...this.constantsByName.values()];
  }

  get dependencies(): readonly DependencyDefinition[] {
    return [...this.dependenciesByAlias.values()];
  }

  /** The inventory after a change: removals first, then definitions. */
  after(change: RegistryChange): Inventory {
    const functions = new Map(this.functionsByName);
    const constants = new Map(this.constantsByName);
    const dependencies = new Map(this.dependenciesByAlias);
    for (const name of change.undefine.functions) functions.delete(name);
    for (const name of change.undefine.constants) constants.delete(name);
    for (const alias of change.undefine.dependencies) dependencies.delete(alias);
    for (const item of change.define.functions) functions.set(item.name, item);
    for (const item of change.define.constants) constants.set(item.name, item);
    for (const item of change.define.dependencies) dependencies.set(item.alias, item);
    const hosts = new Set(this.hosts);
    for (const name of change.undefine.hosts ?? []) hosts.delete(name);
    for (const name of change.define.hosts ?? []) hosts.add(name);
    return new Inventory(
      change.revision,
      change.bootstrap ?? this.bootstrap,
      functions,
      constants,
      dependencies,
      hosts,
    );
  }

  hasDependency(alias: string): boolean {
    return this.dependenciesByAlias.has(alias);
  }

  /** The module an import means: exactly the aliases, nothing relative, nothing else. */
  resolveModule(name: string): { name: string } | { refusal: string } {
    if (this.dependenciesByAlias.has(name)) return { name };
    return {
      refusal: `"${name}" is not on the allowlist of dependencies. Define it with the pool before importing it.`,
    };
  }

  moduleSource(alias: string): string | undefined {
    const dependency = this.dependenciesByAlias.get(alias);
    return dependency?.kind === "source" ? dependency.source : undefined;
  }

  commonjsSource(alias: string): string | undefined {
    const dependency = this.dependenciesByAlias.get(alias);
    return dependency?.kind === "commonjs" ? dependency.source : undefined;
  }
}
