import { expect } from "vitest";
import { failsWith, gives, givesWhat, throws } from "../expectations.ts";
import { type Family, scripts, type Stage, type Vector } from "../vector.ts";

const SPECIFIERS = [
  "absent",
  "./known",
  "../known",
  "/known",
  "known/",
  "known/sub",
  "known.js",
  "KNOWN",
  " known",
  "known ",
  "known?x",
  "known#x",
  "file:///known",
  "node:fs",
  "fs",
  "https://example.com/known.js",
  "data:text/javascript,1",
  "blob:x",
  "npm:known",
  "jsr:known",
  "skep",
  "skep:boot",
  "constructor",
  "__proto__",
  "toString",
  "",
  ".",
  "..",
  "eval.js",
  "known\\nknown",
  "\\u212anown",
];

function refuses(
  pool: Stage["pool"],
  definitions: Parameters<Stage["pool"]["define"]>[0],
): Promise<string> {
  return pool.define(definitions).then(
    () => "defined",
    (error: { code: string }) => error.code,
  );
}

function defining(name: string, source: string, look: (code: string) => void): Vector {
  return {
    name,
    act: async ({ pool }: Stage) => refuses(pool, { dependencies: { attempt: { source } } }),
    expect: givesWhat(look),
  };
}

const isRefused = (code: string): void => expect(code).toBe("install-failed");

export const dependencyConfusion: Family = {
  name: "dependency confusion",
  pool: {
    dependencies: {
      known: { source: `export default "known"; export const shared = { n: 0 };` },
      other: {
        source: `import known, { shared } from "known"; shared.n++; export default known + "!"; export { shared };`,
      },
      common: { commonjs: `exports.reach = (name) => require(name); exports.keep = {};` },
      "@scope/name": { source: `export default "scoped";` },
    },
  },
  vectors: [
    ...SPECIFIERS.map((specifier): Vector => ({
      name: `import(${JSON.stringify(specifier)})`,
      script: `await import("${specifier}").then(() => "loaded", (e) => e.name)`,
      expect: gives("ReferenceError"),
    })),
    ...scripts([
      [
        "computed names",
        `const name = ["ab", "sent"].join(""); await import(name).catch((e) => /"absent" is not on the allowlist/.test(e.message))`,
        gives(true),
      ],
      [
        "a name that changes between two looks",
        `let n = 0; const name = { toString: () => (n++ ? "absent" : "known") }; const m = await import(name).catch((e) => e); [m.default ?? m.name, n]`,
        gives(["known", 1]),
      ],
      [
        "a name that throws",
        `await import({ toString() { throw new Error("mine"); } }).catch((e) => e.message)`,
        gives("mine"),
      ],
      [
        "names that are not text",
        `(await Promise.allSettled([import(null), import(undefined), import(1), import(Symbol.iterator)])).map(({ reason }) => reason.name)`,
        gives(["ReferenceError", "ReferenceError", "ReferenceError", "TypeError"]),
      ],
      [
        "wpc_import of what is not there",
        `(await Promise.allSettled(["absent", "__proto__", "constructor", "./known", null, {}].map((name) => wpc_import(name)))).map(({ status, reason }) => status + reason?.name)`,
        gives(Array(6).fill("rejectedReferenceError")),
      ],
      [
        "wpc_import with a name that changes",
        `let n = 0; await wpc_import({ get alias() { return n++ ? "absent" : "known"; } }).then((m) => m.default)`,
        gives("known"),
      ],
      [
        "a replaced table of dependencies",
        `Object.prototype.absent = "inherited"; await wpc_import("absent").catch((e) => e.name)`,
        gives("ReferenceError"),
      ],
      [
        "import attributes",
        `await import("known", { with: { type: "json" } }).then((m) => typeof m.default, (e) => e.name)`,
        givesWhat((said) => expect(["string", "TypeError", "SyntaxError"]).toContain(said)),
      ],
      [
        "require of what is not there",
        `const { reach } = await wpc_import("common"); ["absent", "fs", "./known", "__proto__", "constructor", "", 1, null, {}, [], Symbol.iterator].map((name) => { try { reach(name); return "loaded"; } catch (e) { return e.code ?? e.name; } })`,
        givesWhat((names: string[]) =>
          expect(names.filter((name) => !/^(MODULE_NOT_FOUND|TypeError)$/.test(name))).toEqual([]),
        ),
      ],
      [
        "one module by two names",
        `const a = await import("known"), b = await import("other"); [a.shared === b.shared, b.shared.n, b.default]`,
        gives([true, 1, "known!"]),
      ],
      [
        "a namespace that is written to",
        `const m = await import("known"); const ends = []; for (const f of [() => { "use strict"; m.default = 1; }, () => Object.defineProperty(m, "default", { value: 1 }), () => { "use strict"; delete m.default; }, () => Reflect.ownKeys(Object.setPrototypeOf(m, null)).length || 1]) { try { f(); ends.push("done"); } catch (e) { ends.push(e.name); } } [ends.slice(0, 3), (await import("known")).default]`,
        gives([["TypeError", "TypeError", "TypeError"], "known"]),
      ],
      [
        "a scoped name's neighbours",
        `(await Promise.allSettled(["@scope", "@scope/", "@scope/other", "@scope/name/sub", "@Scope/name"].map((name) => import(name)))).map(({ status }) => status)`,
        gives(Array(5).fill("rejected")),
      ],
      [
        "a dependency's own import.meta",
        `await import("known").then(() => { try { return Function("return import.meta")(); } catch (e) { return e.name; } })`,
        gives("SyntaxError"),
      ],
    ]),
    {
      name: "import.meta of a module that is evaluated",
      module: `export const keys = Object.keys(import.meta); export const url = import.meta.url;`,
      expect: givesWhat(({ url }: { url: unknown }) =>
        expect(String(url)).not.toMatch(/file:|https?:|data:/),
      ),
    },
    {
      name: "a module's static import of what is not there",
      module: `import x from "absent"; export default x;`,
      expect: throws("ReferenceError", /absent/),
    },
    {
      name: "a module's static import of a relative path",
      module: `export * from "./known";`,
      expect: throws("ReferenceError", /known/),
    },
    defining(
      "a dependency that imports what is not there",
      `import x from "absent-too"; export default x;`,
      isRefused,
    ),
    defining(
      "a dependency that imports itself by a path",
      `import x from "./attempt"; export default x;`,
      isRefused,
    ),
    defining("a dependency that throws", `throw new Error("at evaluation");`, isRefused),
    defining("a dependency that is no source", `export default (`, isRefused),
    defining(
      "a dependency that recurses without an end",
      `const f = () => f() + 1; f();`,
      isRefused,
    ),
    defining(
      "a dependency that takes all the memory",
      `const k = []; for (;;) k.push(new Uint8Array(1e6));`,
      isRefused,
    ),
    ...["__proto__", "skep:boot", "skep:module", "./path", "/root", "https://example.com/x.js"].map(
      (alias): Vector => ({
        name: `a dependency that the host itself calls ${JSON.stringify(alias)}`,
        act: async ({ pool }: Stage) => {
          const source = `export default "odd"`;
          await pool.define({ dependencies: Object.fromEntries([[alias, { source }]]) });
          const found = await pool.eval(
            `[(await import(${JSON.stringify(alias)})).default, (await wpc_import(${JSON.stringify(alias)})).default, (await import("known")).default]`,
          );
          await pool.undefine({ dependencies: [alias] });
          return found;
        },
        expect: gives(["odd", "odd", "known"]),
      }),
    ),
    ...["", "a\u0000b", 1 as never].map((alias): Vector => ({
      name: `a dependency that the host calls ${JSON.stringify(alias)}, which is no name`,
      act: async ({ pool }: Stage) =>
        refuses(pool, { dependencies: { [alias]: { source: "" }, more: alias } as never }),
      expect: givesWhat((code) => expect(code).toBe("invalid-argument")),
    })),
    {
      // The engine ends names there: what is loaded is what is allowed.
      name: "a name that goes on behind a NUL",
      script: `[(await import("known\\u0000/absent")).default, await import("absent\\u0000known").catch((e) => e.name)]`,
      expect: gives(["known", "ReferenceError"]),
    },
    {
      name: "a dependency that replaces another's alias",
      act: async ({ pool }: Stage) => {
        const code = await refuses(pool, {
          dependencies: {
            impostor: {
              source: `globalThis.constants = 1; Object.prototype.known = "impostor"; export default "impostor";`,
            },
          },
        });
        const found = await pool.eval(
          `[(await import("known")).default, (await wpc_import("known")).default]`,
        );
        await pool.undefine({ dependencies: ["impostor"] });
        return [code, found];
      },
      pool: {},
      expect: givesWhat(([, found]: [string, unknown]) =>
        expect(found).toEqual(["known", "known"]),
      ),
    },
    {
      name: "a function that is not defined any more",
      act: async ({ pool }: Stage) => {
        await pool.define({ functions: { gone: "() => 1" } });
        await pool.undefine({ functions: ["gone"] });
        return pool.run("gone");
      },
      expect: failsWith("unknown-function"),
    },
  ],
};
