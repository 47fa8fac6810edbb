/** The plugin of `skep/vite` in a build and in Vite's servers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, createServer, type InlineConfig, preview } from "vite";
import { createPool, type DependencyInput } from "skep";
import { skep } from "skep/vite";

let root: string;
beforeAll(async () => {
  // Inside the repository, whose packages it is to find.
  root = await mkdtemp(join(process.cwd(), "node_modules", ".skep-vite-"));
  const entry = 'import chunk from "lodash-es/chunk?skep"; import rules from "./rules.ts?skep";';
  await writeFile(join(root, "main.js"), `${entry} export default { chunk, rules };`);
  await writeFile(join(root, "rules.ts"), "export const limit: number = 7;");
  await writeFile(join(root, "bad.js"), 'import x from "vite?skep"; export default x;');
  await writeFile(join(root, "index.html"), "<script type=module src=/main.js></script>");
});
afterAll(() => rm(root, { recursive: true }));

function project(entry: string, folder: string): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: "silent",
    plugins: [skep()],
    build: {
      outDir: folder,
      lib: { entry: join(root, entry), formats: ["es"], fileName: "out" },
    },
  };
}

describe("skep/vite", () => {
  it("bundles packages and files into the build", async () => {
    await build(project("main.js", "first"));
    const url = join(root, "first", "out.js");
    const { default: dependencies } = (await import(url)) as {
      default: Record<string, DependencyInput>;
    };
    await using pool = await createPool({ workers: 1, dependencies });
    const source = `
      import chunk from "chunk";
      import { limit } from "rules";
      export default chunk([1, 2, 3], 2).concat(limit);`;
    expect(await pool.eval(source, { type: "module" })).toEqual({ default: [[1, 2], [3], 7] });
  });

  it("fails a build with the reason", async () => {
    await expect(build(project("bad.js", "second"))).rejects.toThrow(
      /"vite" cannot be bundled for a sandbox: .* imports "(node:)?\w+", a module of Node/,
    );
  });

  it.each(["development", "preview"])("sends the headers in %s", async (kind) => {
    const options = { ...project("main.js", "first"), appType: "mpa" as const };
    const server =
      kind === "development"
        ? await (await createServer({ ...options, server: { port: 0 } })).listen()
        : await preview({ ...options, preview: { port: 0 } });
    try {
      const url = server.resolvedUrls?.local[0] ?? "";
      const response = await fetch(new URL(kind === "development" ? "main.js" : "out.js", url));
      expect(response.status).toBe(200);
      expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
      expect(server.config.optimizeDeps.exclude).toContain("skep");
    } finally {
      await server.close();
    }
  });
});
