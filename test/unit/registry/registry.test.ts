import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RegistryChange } from "../../../src/protocol/control.ts";
import {
  type Definitions,
  type PreparedDefinitions,
  prepareDefinitions,
} from "../../../src/registry/definitions.ts";
import { Registry } from "../../../src/registry/registry.ts";

/** Nothing here is a package or a URL. */
function prepare(definitions: Definitions): PreparedDefinitions {
  return prepareDefinitions(definitions) as PreparedDefinitions;
}

function define(registry: Registry, definitions: Definitions): void {
  registry.propose(prepare(definitions))?.commit();
}

/** A worker's copy of the registry, as changes make it. */
class Copy {
  revision = 0;
  readonly contents = new Map<string, string>();

  apply(change: RegistryChange): void {
    const { define, undefine } = change;
    for (const name of undefine.functions) this.contents.delete(`function ${name}`);
    for (const name of undefine.constants) this.contents.delete(`constant ${name}`);
    for (const alias of undefine.dependencies) this.contents.delete(`dependency ${alias}`);
    for (const { name, id, source } of define.functions) {
      this.contents.set(`function ${name}`, `${id} ${source}`);
    }
    for (const { name, value } of define.constants) {
      this.contents.set(`constant ${name}`, value.join());
    }
    for (const dependency of define.dependencies) {
      this.contents.set(`dependency ${dependency.alias}`, JSON.stringify(dependency));
    }
    this.revision = change.revision;
  }
}

function fresh(registry: Registry): Copy {
  const copy = new Copy();
  copy.apply(registry.changeSince(0));
  return copy;
}

describe("Registry", () => {
  test("an empty one has revision 0; bootstrap code is the first", () => {
    expect(new Registry().revision).toBe(0);
    const registry = new Registry({ bootstrap: "globalThis.a = 1" });
    expect(registry.revision).toBe(1);
    expect(registry.changeSince(0).bootstrap).toBe("globalThis.a = 1");
    expect(registry.changeSince(1).bootstrap).toBeUndefined();
  });

  test("definitions of a change are sorted by name", () => {
    const registry = new Registry();
    define(registry, { functions: { b: "() => 1", a: "() => 2" }, constants: { Z: 1, A: 2 } });
    const change = registry.changeSince(0);
    expect(change.define.functions.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(change.define.constants.map(({ name }) => name)).toEqual(["A", "Z"]);
  });

  test("a function keeps its id as long as it is defined, and nobody else ever gets it", () => {
    const registry = new Registry();
    define(registry, { functions: { a: "() => 1" } });
    define(registry, { functions: { b: "() => 1" } });
    const id = registry.admission("a")?.functionId;
    define(registry, { functions: { a: "() => 2" } });
    expect(registry.admission("a")?.functionId).toBe(id);
    registry.remove({ functions: ["a"], constants: [], dependencies: [] });
    define(registry, { functions: { c: "() => 1", a: "() => 3" } });
    const ids = ["a", "b", "c"].map((name) => registry.admission(name)?.functionId);
    expect(new Set([...ids, id]).size).toBe(4);
  });

  test("the same definition again is no change", () => {
    const registry = new Registry();
    const definitions: Definitions = {
      functions: { f: "() => 1" },
      constants: { MAP: new Map([["a", { b: [1, 2] }]]) },
      dependencies: { d: { source: "export default 1" } },
    };
    define(registry, definitions);
    const { revision } = registry;
    expect(
      registry.propose(
        prepare({
          functions: { f: "() => 1\r\n" },
          constants: { MAP: new Map([["a", { b: [1, 2] }]]) },
          dependencies: { d: { source: "export default 1" } },
        }),
      ),
    ).toBeUndefined();
    expect(registry.revision).toBe(revision);
    define(registry, { constants: { MAP: new Map([["a", { b: [1, 3] }]]) } });
    expect(registry.revision).toBe(revision + 1);
  });

  test("admission says what is missing and where the function can run", () => {
    const registry = new Registry();
    define(registry, { functions: { f: "() => wpc_constant('A') + wpc_import('d')" } });
    expect(registry.admission("f")?.missing).toEqual({ kind: "dependency", name: "d" });
    define(registry, { dependencies: { d: { commonjs: "module.exports = 1" } } });
    expect(registry.admission("f")?.missing).toEqual({ kind: "constant", name: "A" });
    define(registry, { constants: { A: 1 } });
    expect(registry.admission("f")).toMatchObject({ missing: undefined, revision: 3 });
    registry.remove({ functions: [], constants: ["A"], dependencies: [] });
    expect(registry.admission("f")?.missing).toEqual({ kind: "constant", name: "A" });
    expect(registry.admission("toString")).toBeUndefined();
  });

  test("an abandoned proposal leaves no trace, and its inverse takes it back", () => {
    const registry = new Registry();
    define(registry, { functions: { f: "() => 1" }, constants: { A: 1 } });
    const before = fresh(registry);
    const worker = fresh(registry);
    const proposal = registry.propose(
      prepare({
        functions: { f: "() => 2", g: "() => 3" },
        constants: { A: 2, B: 3 },
        dependencies: { d: { source: "1" } },
      }),
    );
    if (proposal === undefined) throw new Error("Nothing was proposed.");
    worker.apply(proposal.change);
    expect(worker.contents).not.toEqual(before.contents);
    const inverse = proposal.inverse();
    expect(inverse.revision).toBeGreaterThan(proposal.change.revision);
    worker.apply(inverse);
    expect(worker.contents).toEqual(before.contents);
    expect(fresh(registry).contents).toEqual(before.contents);
    expect(registry.changeSince(worker.revision).define.functions).toEqual([]);
  });

  test("a copy at any revision catches up, also across abandoned proposals", () => {
    const name = fc.constantFrom("a", "b", "c");
    const step = fc.record({
      type: fc.constantFrom("define" as const, "abandon" as const, "remove" as const),
      kind: fc.constantFrom("functions" as const, "constants" as const, "dependencies" as const),
      name,
      value: fc.nat(3),
      syncs: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const registry = new Registry();
        const lazy = new Copy();
        const eager = new Copy();
        for (const { type, kind, name, value, syncs } of steps) {
          if (type === "remove") {
            registry.remove({ functions: [], constants: [], dependencies: [], [kind]: [name] });
          } else {
            const values = {
              functions: `() => ${value}`,
              constants: value,
              dependencies: { source: String(value) },
            };
            const proposal = registry.propose(prepare({ [kind]: { [name]: values[kind] } }));
            if (proposal !== undefined) eager.apply(proposal.change);
            if (type === "define") proposal?.commit();
            else if (proposal !== undefined) eager.apply(proposal.inverse());
          }
          eager.apply(registry.changeSince(eager.revision));
          if (syncs) lazy.apply(registry.changeSince(lazy.revision));
          registry.forgetRemovals(Math.min(lazy.revision, eager.revision));
          expect(eager.contents).toEqual(fresh(registry).contents);
        }
        lazy.apply(registry.changeSince(lazy.revision));
        expect(lazy.contents).toEqual(fresh(registry).contents);
      }),
    );
  });

  test("describe tells names, hashes and how many have it, never values", () => {
    const registry = new Registry();
    define(registry, {
      functions: { f: "(a, b = 2) => wpc_constant('SECRET')" },
      constants: { SECRET: "hush" },
      dependencies: { path: { module: "node:path", exports: ["join"] } },
    });
    const description = registry.describe((revision) => revision + 1);
    expect(description).toEqual({
      revision: 1,
      functions: [
        {
          name: "f",
          hash: expect.stringMatching(/^[0-9a-f]{40}$/),
          parameters: ["a", "b = 2"],
          dependencies: [],
          constants: ["SECRET"],
          installedWorkers: 2,
        },
      ],
      constants: [{ name: "SECRET", installedWorkers: 2 }],
      dependencies: [{ alias: "path", kind: "host-module", installedWorkers: 2 }],
      host: [],
    });
    expect(JSON.stringify(description)).not.toContain("hush");
  });
});
