/** What a registry tells of its contents. */
import type { ConstantDefinition, DependencyDefinition } from "../protocol/control.ts";

/** What is known about the registry's contents; `installedWorkers` counts workers that have it. */
export interface RegistryDescription {
  revision: number;
  functions: {
    name: string;
    /** SHA-1 of the source with normalized line ends, trimmed. */
    hash: string;
    /** The text of each parameter. */
    parameters: string[];
    /** What it is seen to name. */
    dependencies: string[];
    constants: string[];
    installedWorkers: number;
  }[];
  constants: { name: string; installedWorkers: number }[];
  dependencies: { alias: string; kind: DependencyDefinition["kind"]; installedWorkers: number }[];
  /** Functions of the host by path, e.g. `db.query`. */
  host: { name: string; installedWorkers: number }[];
}

/** What a registry would be filled with again; of host functions the names. */
export interface RegistryContents {
  bootstrap: string | undefined;
  functions: (readonly [name: string, text: string])[];
  constants: ConstantDefinition[];
  dependencies: DependencyDefinition[];
  hosts: string[];
  /** The texts that had types, as they were given. */
  given: GivenTexts;
}

/** Sources as they were before types were stripped from them; functions and dependencies by name. */
export interface GivenTexts {
  bootstrap?: string | undefined;
  functions: (readonly [name: string, text: string])[];
  dependencies: (readonly [alias: string, text: string])[];
}
