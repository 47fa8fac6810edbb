/** Packages bundled by the plugin of `skep/vite` do inside a sandbox what they do on the page. */
import * as dateFnsOutside from "date-fns";
import * as immerOutside from "immer";
import * as lodashOutside from "lodash-es";
import * as markedOutside from "marked";
import * as yamlOutside from "yaml";
import * as zodOutside from "zod";
import dateFns from "date-fns?skep";
import immer from "immer?skep";
import lodash from "lodash-es?skep";
import lzString from "lz-string?skep";
import marked from "marked?skep";
import urlPattern from "urlpattern-polyfill?skep";
import yaml from "yaml?skep";
import zod from "zod?skep";
import { createPool, type DependencyInput, type Pool } from "skep";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestJob, hostJob } from "../contracts/packages.ts";

const packages: [string, DependencyInput, unknown][] = [
  ["date-fns", dateFns, dateFnsOutside],
  ["immer", immer, immerOutside],
  ["lodash-es", lodash, lodashOutside],
  ["marked", marked, markedOutside],
  // Chromium has one of its own to compare with.
  ["urlpattern-polyfill", urlPattern, globalThis],
  ["yaml", yaml, yamlOutside],
  ["zod", zod, zodOutside],
];

describe("npm packages through skep/vite", () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await createPool({
      workers: 1,
      environment: "web-worker",
      dependencies: Object.fromEntries(packages.map(([name, dependency]) => [name, dependency])),
    });
  });
  afterAll(() => pool.close());

  it.each(packages)("%s", async (name, _dependency, outside) => {
    expect(await pool.eval(guestJob(name))).toEqual(hostJob(name, outside));
  });

  it("CommonJS packages, too", async () => {
    expect(Object.keys(lzString)).toEqual(["commonjs"]);
    await pool.define({ dependencies: { lz: lzString } });
    expect(await pool.eval("(await import('lz')).compressToBase64('a')")).toBe("IZA=");
  });

  it("{ npm } says where it goes", async () => {
    await expect(pool.define({ dependencies: { x: { npm: "lodash-es" } } })).rejects.toThrow(
      /skep\/vite, import dependency from "lodash-es\?skep"/,
    );
  });

  it("{ url } is fetched by the page", async () => {
    const url = new URL("/@vite/env", location.href).href;
    await expect(
      pool.define({ dependencies: { x: { url, integrity: `sha256-${"A".repeat(43)}=` } } }),
    ).rejects.toThrow(/was refused: its integrity is sha256-/);
  });
});
