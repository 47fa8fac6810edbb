/**
 * Random programs of a small grammar, in sandboxes and in Node itself: the same value comes out, or
 * an error of the same name; and no program leaves anything for the next. The grammar keeps clear of
 * what the engine is known to do differently: spreading a string into an object yields nothing.
 */
import fc from "fast-check";
import { runInNewContext } from "node:vm";
import { createPool } from "skep";
import { expect, test } from "vitest";
import { shape } from "./values.ts";

const variable = fc.constantFrom("a", "b", "c", "list", "record");
const literal = fc.oneof(
  fc.integer({ min: -100, max: 100 }).map((value) => `(${value})`),
  fc.constantFrom("'text'", "''", "'äöü😀'", "true", "null", "undefined", "0.5", "12n"),
);

const { program } = fc.letrec<{ expression: string; statement: string; program: string }>((tie) => {
  const expression = tie("expression");
  const statement = tie("statement");
  const block = fc
    .array(statement, { maxLength: 3 })
    .map((statements) => `{ ${statements.join(" ")} }`);
  const operator = fc.constantFrom("+", "-", "*", "%", "===", "<", "&&", "||", "??", "&", "**");
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      variable,
      literal,
      fc
        .tuple(expression, operator, expression)
        .map(([left, op, right]) =>
          op === "**" ? `((${left}) ** ((${right}) ? 2 : 1))` : `((${left}) ${op} (${right}))`,
        ),
      fc.array(expression, { maxLength: 3 }).map((parts) => `[${parts.join(", ")}]`),
      fc.tuple(expression, expression).map(([x, y]) => `({ x: ${x}, y: ${y}, ["z" + 1]: 3 })`),
      fc.tuple(expression, expression).map(([x, y]) => `[${x}, ${y}].map((it) => [it, typeof it])`),
      expression.map((x) => `list.filter((it) => it !== (${x})).concat(1).slice(-3)`),
      expression.map((x) => `(() => { const kept = ${x}; return () => kept; })()()`),
      fc.tuple(expression, expression, expression).map(([x, y, z]) => `(${x} ? ${y} : ${z})`),
      expression.map(
        (x) =>
          `JSON.stringify({ value: ${x} }, (key, it) => typeof it === "bigint" ? String(it) : it)`,
      ),
      expression.map(
        (x) => `Object.entries({ ...(typeof record === "object" ? record : {}), k: ${x} })`,
      ),
      expression.map((x) => `new Map([[${x}, 1], ["k", list.length]])`),
      fc.tuple(expression, expression).map(([x, y]) => `new Set([${x}, ${y}, ${x}])`),
      expression.map((x) => `String(${x}).toUpperCase().padStart(5, "-").slice(0, 9).split("")`),
      expression.map((x) => `[...(function* () { yield ${x}; yield 2; })()]`),
      expression.map((x) => `Reflect.ownKeys(Object(${x})).length`),
      expression.map((x) => `(${x})?.length`),
    ),
    statement: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.tuple(variable, expression).map(([name, x]) => `${name} = ${x};`),
      expression.map((x) => `list = [...(Array.isArray(list) ? list : []).slice(0, 5), ${x}];`),
      fc.tuple(expression, block, block).map(([x, yes, no]) => `if (${x}) ${yes} else ${no}`),
      block.map((body) => `for (let i = 0; i < 2; i++) ${body}`),
      fc
        .tuple(block, block)
        .map(([body, rescue]) => `try ${body} catch (error) ${rescue} finally { c = 1; }`),
      expression.map((x) => `if (typeof (${x}) === "string") throw new RangeError("thrown");`),
      expression.map((x) => `switch (${x}) { case 1: a = 2; break; default: b = 3; }`),
      fc
        .tuple(expression, expression)
        .map(([x, y]) => `({ x: a, y: [b] = [0] } = { x: ${x}, y: [${y}] });`),
    ),
    program: fc
      .tuple(fc.array(statement, { maxLength: 6 }), expression)
      .map(
        ([statements, result]) =>
          `"use strict"; let a = 1, b = "b", c = null, list = [1, "two"], record = { k: 1 }; ${statements.join(" ")} [a, b, c, list, record, ${result}]`,
      ),
  };
});

/** Errors and values by what can be compared: other realms have other classes. */
function outsideOf(source: string): string {
  try {
    return shape(structuredClone(runInNewContext(source, {}, { timeout: 1_000 })));
  } catch (error) {
    return `throws ${(error as Error).name}`;
  }
}

test.each(["sync", "asyncify"] as const)(
  "random programs, %s",
  { timeout: 120_000 },
  async (engine) => {
    const pool = await createPool({ workers: 1, engine });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(program, { minLength: 20, maxLength: 20 }), async (programs) => {
          const inside = await Promise.all(
            programs.map(async (source) => {
              const outcome = await pool.execute({ eval: source });
              return outcome.ok ? shape(outcome.value) : `throws ${outcome.error.name}`;
            }),
          );
          for (const [index, source] of programs.entries()) {
            expect(inside[index], source).toBe(outsideOf(source));
          }
          expect(await pool.eval("typeof list + Object.keys(globalThis).length")).toBe(
            "undefined0",
          );
        }),
        { numRuns: 25 },
      );
    } finally {
      await pool.close();
    }
  },
);
