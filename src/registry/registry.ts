/**
 * The parent's source of truth: what is defined, and what a worker at any revision must be told to
 * catch up.
 */
import type {
  ConstantDefinition,
  DependencyDefinition,
  FunctionDefinition,
  RegistryChange,
} from "../protocol/control.ts";
import { BOOTSTRAP_FILE, functionOfFile } from "../protocol/source-files.ts";
import type { RegistryContents, RegistryDescription } from "./contents.ts";
import { DefinitionTable, type Item } from "./definition-table.ts";
import type { PreparedDefinitions, PreparedFunction } from "./definitions.ts";
import type { PreparedHost } from "./host-functions.ts";
import type { Requirements } from "./requirements.ts";
import { sameBytes, sameDependency, sameHost } from "./same-definitions.ts";

interface FunctionItem extends Item<FunctionDefinition> {
  readonly hash: string;
  readonly text: string;
  readonly parameters: readonly string[];
  readonly requirements: Requirements;
}

/** Lists of names by kind. */
export interface Names {
  functions: readonly string[];
  constants: readonly string[];
  dependencies: readonly string[];
  host?: readonly string[] | undefined;
}

/** Whether a function can run, and on which workers. */
export interface Admission {
  readonly functionId: number;
  /** Names the function's source. */
  readonly hash: string;
  /** A worker must have acknowledged this revision to have the function and all it names. */
  readonly revision: number;
  /** Something the function names that is not defined. */
  readonly missing: { kind: "dependency" | "constant"; name: string } | undefined;
}

/** A change that workers can try before it counts. */
export interface Proposal {
  readonly change: RegistryChange;
  /** Makes the change part of the registry. */
  commit(): void;
  /** The change that takes a worker which applied the proposal back to where it was. */
  inverse(): RegistryChange;
}

const KINDS = ["functions", "constants", "dependencies", "host"] as const;

/** As much of a table as names are taken out by, whatever is in it. */
type Removals = Pick<DefinitionTable<unknown>, "take" | "removedSince" | "forgetRemovals">;

/** What was removed, until the next change. */
export interface Removal {
  /** Makes it part of the registry again. */
  restore(): void;
}

/** Functions, constants and dependencies by name, with the revision of each one's last change. */
export class Registry {
  readonly #functions = new DefinitionTable<FunctionDefinition, FunctionItem>();
  readonly #constants = new DefinitionTable<ConstantDefinition>();
  readonly #dependencies = new DefinitionTable<DependencyDefinition>();
  readonly #hosts = new DefinitionTable<PreparedHost>();
  readonly #bootstrap: string | undefined;
  readonly #givenBootstrap: string | undefined;
  #admissions = new Map<string, Admission>();
  #revision: number;
  // Runs ahead of #revision: a proposal that was rolled back used up numbers too.
  #lastIssuedRevision: number;
  #lastFunctionId = 0;

  /** `givenBootstrap` is what the bootstrap's text was before types were stripped from it. */
  constructor(
    options: { bootstrap?: string | undefined; givenBootstrap?: string | undefined } = {},
  ) {
    this.#bootstrap = options.bootstrap;
    this.#givenBootstrap = options.givenBootstrap;
    this.#revision = options.bootstrap === undefined ? 0 : 1;
    this.#lastIssuedRevision = this.#revision;
  }

  /** The revision of the last change that counts; 0 as long as there is nothing to install. */
  get revision(): number {
    return this.#revision;
  }

  functionNames(): string[] {
    return [...this.#functions.keys()].sort();
  }

  /** A dependency as it is defined. */
  dependency(alias: string): DependencyDefinition | undefined {
    return this.#dependencies.get(alias)?.definition;
  }

  /** The source text that a stack trace calls `file`, as it was given. */
  textOf(file: string): string | undefined {
    const dependency = this.#dependencies.get(file);
    if (dependency !== undefined && "source" in dependency.definition) {
      return dependency.given ?? dependency.definition.source;
    }
    if (file === BOOTSTRAP_FILE && this.#bootstrap !== undefined) {
      return this.#givenBootstrap ?? this.#bootstrap;
    }
    const item = this.#functions.get(functionOfFile(file));
    return item?.given ?? item?.text;
  }

  /** All that is defined, as texts and data. */
  contents(): RegistryContents {
    return {
      bootstrap: this.#bootstrap,
      functions: this.#functions.sorted().map(([name, { text }]) => [name, text]),
      constants: this.#constants.sorted().map(([, { definition }]) => definition),
      dependencies: this.#dependencies.sorted().map(([, { definition }]) => definition),
      hosts: this.#hosts.sorted().map(([name]) => name),
      given: {
        ...(this.#givenBootstrap === undefined ? {} : { bootstrap: this.#givenBootstrap }),
        functions: this.#functions.given(),
        dependencies: this.#dependencies.given(),
      },
    };
  }

  /** A host function as it is defined, by its path. */
  hostFunction(name: string): PreparedHost | undefined {
    return this.#hosts.get(name)?.definition;
  }

  /** All host functions, sorted by path. */
  hostFunctions(): PreparedHost[] {
    return this.#hosts.sorted().map(([, item]) => item.definition);
  }

  /**
   * A change that makes these definitions, or undefined when nothing would change. Proposals are
   * made one at a time: commit or abandon one before making the next.
   */
  propose(prepared: PreparedDefinitions): Proposal | undefined {
    const revision = this.#lastIssuedRevision + 1;
    const functions = prepared.functions
      .filter((given) => !this.#isSameFunction(given))
      .map((given) => this.#functionItem(given, revision));
    const constants = prepared.constants
      .filter((given) => !sameBytes(this.#constants.get(given.name)?.definition.value, given.value))
      .map((definition) => ({ definition, revision }));
    const dependencies = prepared.dependencies
      .filter((given) => !sameDependency(this.#dependencies.get(given.alias)?.definition, given))
      .map((definition) => {
        const given = prepared.givenDependencies?.get(definition.alias);
        return { definition, revision, given };
      });
    const hosts = (prepared.hosts ?? [])
      .filter((given) => !sameHost(this.#hosts.get(given.name)?.definition, given))
      .map((definition) => ({ definition, revision }));
    const items = functions.length + constants.length + dependencies.length + hosts.length;
    if (items === 0) return undefined;

    this.#lastIssuedRevision = revision;
    return {
      change: {
        revision,
        define: {
          functions: definitionsOf(functions),
          constants: definitionsOf(constants),
          dependencies: definitionsOf(dependencies),
          ...(hosts.length > 0 ? { hosts: hosts.map((item) => item.definition.name) } : {}),
        },
        undefine: { functions: [], constants: [], dependencies: [] },
      },
      commit: () => {
        for (const item of functions) this.#functions.set(item.definition.name, item);
        for (const item of constants) this.#constants.set(item.definition.name, item);
        for (const item of dependencies) this.#dependencies.set(item.definition.alias, item);
        for (const item of hosts) this.#hosts.set(item.definition.name, item);
        this.#commit(revision);
      },
      inverse: () =>
        this.#restoring({
          functions: functions.map((item) => item.definition.name),
          constants: constants.map((item) => item.definition.name),
          dependencies: dependencies.map((item) => item.definition.alias),
          host: hosts.map((item) => item.definition.name),
        }),
    };
  }

  /**
   * Removes names; unknown ones are ignored. A namespace of the host goes with all that is in it.
   * Undefined when nothing was there to remove.
   */
  remove(names: Names): Removal | undefined {
    const revision = this.#lastIssuedRevision + 1;
    const removed: ((revision: number) => void)[] = [];
    for (const kind of KINDS) {
      const given = names[kind] ?? [];
      const within = kind === "host" ? given.flatMap((path) => this.#hostsIn(path)) : [];
      for (const name of [...given, ...within]) {
        const putBack = this.#table(kind).take(name, revision);
        if (putBack) removed.push(putBack);
      }
    }
    if (removed.length === 0) return undefined;
    this.#commit(revision);
    return {
      restore: () => {
        const restored = this.#lastIssuedRevision + 1;
        for (const putBack of removed) putBack(restored);
        this.#commit(restored);
      },
    };
  }

  /** What a worker that has acknowledged `revision` lacks; 0 is a worker that has nothing. */
  changeSince(revision: number): RegistryChange {
    const removedFrom = (table: Removals): string[] =>
      revision === 0 ? [] : table.removedSince(revision);
    return {
      // Not #revision: a worker that took part in an abandoned proposal is beyond it.
      revision: Math.max(revision, this.#revision),
      ...(revision === 0 && this.#bootstrap !== undefined ? { bootstrap: this.#bootstrap } : {}),
      define: {
        functions: this.#functions.definedSince(revision),
        constants: this.#constants.definedSince(revision),
        dependencies: this.#dependencies.definedSince(revision),
        ...listed(
          "hosts",
          this.#hosts.definedSince(revision).map(({ name }) => name),
        ),
      },
      undefine: {
        functions: removedFrom(this.#functions),
        constants: removedFrom(this.#constants),
        dependencies: removedFrom(this.#dependencies),
        ...listed("hosts", removedFrom(this.#hosts)),
      },
    };
  }

  /** Forgets removals that every worker has acknowledged. */
  forgetRemovals(acknowledgedRevision: number): void {
    for (const kind of KINDS) this.#table(kind).forgetRemovals(acknowledgedRevision);
  }

  /** Whether and where the function can run; undefined when there is none of that name. */
  admission(name: string): Admission | undefined {
    // Asked for every run: the answer is kept until something changes.
    const known = this.#admissions.get(name);
    if (known !== undefined) return known;
    const item = this.#functions.get(name);
    if (item === undefined) return undefined;
    const admission = this.#admit(item);
    this.#admissions.set(name, admission);
    return admission;
  }

  /** The contents, sorted by name. */
  describe(installedWorkers: (revision: number) => number): RegistryDescription {
    return {
      revision: this.#revision,
      functions: this.#functions.sorted().map(([name, item]) => ({
        name,
        hash: item.hash,
        parameters: [...item.parameters],
        dependencies: [...item.requirements.dependencies],
        constants: [...item.requirements.constants],
        installedWorkers: installedWorkers(item.revision),
      })),
      constants: this.#constants.sorted().map(([name, item]) => ({
        name,
        installedWorkers: installedWorkers(item.revision),
      })),
      dependencies: this.#dependencies.sorted().map(([alias, item]) => ({
        alias,
        kind: item.definition.kind,
        installedWorkers: installedWorkers(item.revision),
      })),
      host: this.#hosts.sorted().map(([name, item]) => ({
        name,
        installedWorkers: installedWorkers(item.revision),
      })),
    };
  }

  #admit(item: FunctionItem): Admission {
    let revision = item.revision;
    let missing: Admission["missing"];
    for (const name of item.requirements.constants) {
      const constant = this.#constants.get(name);
      if (constant === undefined) missing = { kind: "constant", name };
      else revision = Math.max(revision, constant.revision);
    }
    for (const name of item.requirements.dependencies) {
      const dependency = this.#dependencies.get(name);
      if (dependency === undefined) missing = { kind: "dependency", name };
      else revision = Math.max(revision, dependency.revision);
    }
    return { functionId: item.definition.id, hash: item.hash, revision, missing };
  }

  #isSameFunction(given: PreparedFunction): boolean {
    const item = this.#functions.get(given.name);
    return item?.hash === given.hash && item.definition.source === given.source;
  }

  #functionItem(given: PreparedFunction, revision: number): FunctionItem {
    const { name, source, text, contextIndex, requirements, hash, parameters } = given;
    const typed = given.given;
    const id = this.#functions.get(name)?.definition.id ?? ++this.#lastFunctionId;
    const { dependencies } = requirements;
    const definition = { id, name, source, contextIndex, dependencies };
    return { definition, revision, hash, text, parameters, requirements, given: typed };
  }

  /** A change, with a number of its own, that sets these names to what the registry has. */
  #restoring(names: Names): RegistryChange {
    const undefine = {
      functions: [],
      constants: [],
      dependencies: [],
      host: [],
    } as Record<keyof Names, string[]>;
    function present<Definition>(
      kind: keyof Names,
      table: DefinitionTable<Definition>,
    ): Definition[] {
      return (names[kind] ?? []).flatMap((name) => {
        const item = table.get(name);
        if (item === undefined) undefine[kind].push(name);
        return item === undefined ? [] : [item.definition];
      });
    }
    const define = {
      functions: present("functions", this.#functions),
      constants: present("constants", this.#constants),
      dependencies: present("dependencies", this.#dependencies),
      ...listed(
        "hosts",
        present("host", this.#hosts).map(({ name }) => name),
      ),
    };
    const { host, ...others } = undefine;
    return {
      revision: ++this.#lastIssuedRevision,
      define,
      undefine: { ...others, ...listed("hosts", host) },
    };
  }

  #hostsIn(namespace: string): string[] {
    return [...this.#hosts.keys()].filter((path) => path.startsWith(`${namespace}.`));
  }

  #table(kind: keyof Names): Removals {
    if (kind === "functions") return this.#functions;
    if (kind === "host") return this.#hosts;
    return kind === "constants" ? this.#constants : this.#dependencies;
  }

  #commit(revision: number): void {
    this.#revision = revision;
    this.#lastIssuedRevision = Math.max(this.#lastIssuedRevision, revision);
    this.#admissions = new Map();
  }
}

/** A list under its key, or nothing where it is empty. */
function listed(key: "hosts", names: string[]): { hosts?: string[] } {
  return names.length > 0 ? { [key]: names } : {};
}

function definitionsOf<Definition>(items: readonly Item<Definition>[]): Definition[] {
  return items.map((item) => item.definition);
}
