/** Real packages do inside a sandbox what they do outside. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool, type Pool } from "skep";
import { guestJob, hostJob } from "./packages.ts";

/** The packages outside. */
const outside: Record<string, () => Promise<unknown>> = {
  "lodash-es": () => import("lodash-es"),
  "date-fns": () => import("date-fns"),
  zod: () => import("zod"),
  marked: () => import("marked"),
  acorn: () => import("acorn"),
  ajv: () => import("ajv"),
  mathjs: () => import("mathjs"),
  papaparse: () => import("papaparse"),
  handlebars: () => import("handlebars"),
  immer: () => import("immer"),
  nanoid: () => import("nanoid"),
  "fast-json-patch": () => import("fast-json-patch"),
  yaml: () => import("yaml"),
  "lz-string": () => import("lz-string"),
  "urlpattern-polyfill": () => import("urlpattern-polyfill"),
};
const names = Object.keys(outside);

describe("npm packages", () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await createPool({ workers: 1 });
    await pool.define({
      dependencies: Object.fromEntries(names.map((name) => [name, { npm: name }])),
    });
  }, 60_000);
  afterAll(() => pool.close());

  it.each(names)("%s", async (name) => {
    const expected = hostJob(name, await outside[name]?.());
    expect(await pool.eval(guestJob(name))).toEqual(expected);
    // And again: nothing of the first run is left.
    expect(await pool.eval(guestJob(name))).toEqual(expected);
  });

  it("are imported, required and found in the context", async () => {
    await pool.define({
      functions: {
        inContext: "(n, context) => context.dependencies['lodash-es'].chunk([1, 2, 3], n)",
        named: "async () => (await wpc_import('lz-string')).compressToBase64('a')",
      },
      dependencies: {
        own: { commonjs: "module.exports = require('papaparse').unparse([{ a: 1 }])" },
        "date-fns/addDays": { npm: "date-fns/addDays", version: "4" },
      },
    });
    expect(await pool.call.inContext(2)).toEqual([[1, 2], [3]]);
    expect(await pool.call.named()).toBe("IZA=");
    expect(await pool.eval("(await import('own')).default")).toBe("a\r\n1");
    const source = `
      import { addDays } from "date-fns/addDays";
      import lodash, { chunk } from "lodash-es";
      export const day = addDays(new Date(0), 1);
      export const same = lodash.chunk === chunk;`;
    expect(await pool.eval(source, { type: "module" })).toEqual({
      day: new Date(86_400_000),
      same: true,
    });
    await expect(pool.eval('await import("date-fns/subDays")')).rejects.toThrow(
      /"date-fns\/subDays" is not on the allowlist/,
    );
  });
});
