/** The plugin of `skep/vite` in a build and in Vite's servers. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { build, createServer, type InlineConfig, preview, type ViteDevServer } from "vite";
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

  it("bundles them for workers, too", async () => {
    const folder = join(root, "page");
    await mkdir(folder);
    await writeFile(join(folder, "index.html"), "<script type=module src=./main.js></script>");
    const main = 'new Worker(new URL("./worker.js", import.meta.url), { type: "module" });';
    await writeFile(join(folder, "main.js"), main);
    const worker = 'import rules from "../rules.ts?skep"; postMessage(rules);';
    await writeFile(join(folder, "worker.js"), worker);
    const { root: _, build: __, ...config } = project("main.js", "third");
    await build({ ...config, root: folder });
    const assets = join(folder, "dist", "assets");
    const file = (await readdir(assets)).find((name) => name.startsWith("worker-"));
    expect(await readFile(join(assets, file ?? ""), "utf8")).toMatch(/source:.*limit/);
  });

  it("keeps the project's own headers", async () => {
    const own = { "cross-origin-embedder-policy": "credentialless", other: "1" };
    const server = await createServer({
      ...project("main.js", "first"),
      server: { middlewareMode: true, headers: own },
    });
    try {
      expect(server.config.server.headers).toEqual({
        ...own,
        "Cross-Origin-Opener-Policy": "same-origin",
      });
      expect(server.config.preview.headers).toMatchObject({
        "Cross-Origin-Embedder-Policy": "require-corp",
      });
    } finally {
      await server.close();
    }
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

  describe("in development", () => {
    let server: ViteDevServer;
    let folder: string;
    beforeAll(async () => {
      // Vite does not watch what is inside of node_modules.
      folder = await mkdtemp(join(tmpdir(), "skep-vite-"));
      await symlink(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
      const names = ["./rules.ts", "/rules.ts", "./data.json", "lodash-es/chunk"];
      const imports = names.map((name, index) => `import d${index} from "${name}?skep";`);
      await writeFile(join(folder, "main.js"), `${imports.join("")} console.log(d0, d1, d2, d3);`);
      await writeFile(join(folder, "rules.ts"), 'export { limit } from "./limit.ts";');
      await writeFile(join(folder, "limit.ts"), "export const limit: number = 7;");
      await writeFile(join(folder, "data.json"), '{ "n": 5 }');
      server = await createServer({
        root: folder,
        configFile: false,
        logLevel: "silent",
        plugins: [skep()],
        server: { port: 0, watch: { usePolling: true, interval: 20 } },
      });
      await server.listen();
    });
    afterAll(async () => {
      await server.close();
      await rm(folder, { recursive: true });
    });

    /** What a page gets for the dependencies that the program imports. */
    async function load(): Promise<string[]> {
      const get = async (path: string): Promise<string> => {
        const response = await fetch(new URL(path, server.resolvedUrls?.local[0]));
        return response.text();
      };
      const main = await get("main.js");
      const paths = [...main.matchAll(/import d\d from "([^"]+)"/g)].map(([, path = ""]) => path);
      return Promise.all(paths.map(get));
    }

    /** Writes a file until the page is told to load again: who watches it may only begin to. */
    async function change(name: string, text: string): Promise<void> {
      const { hot } = server.environments.client;
      const send = vi.spyOn(hot, "send").mockImplementation(() => {});
      await vi.waitUntil(
        async () => {
          await writeFile(join(folder, name), text);
          return send.mock.calls.length > 0;
        },
        { timeout: 20_000, interval: 100 },
      );
      vi.restoreAllMocks();
    }

    it("serves packages, files by place and from the root, and data", async () => {
      const [rules, sameRules, data, chunk] = await load();
      expect(rules).toMatch(/export default \{ source: ".*limit=7/);
      expect(sameRules).toMatch(/limit=7/);
      expect(data).toMatch(/export default \{ source: ".*5/);
      expect(chunk).toMatch(/export default \{ source: ".*function chunk/);
    });

    it("bundles again what changes, and says where it is wrong", async () => {
      await load();
      await change("limit.ts", "export const limit: number = 8;");
      expect((await load())[0]).toMatch(/limit=8/);
      await change("limit.ts", "export const limit: = 8;");
      expect((await load())[0]).toMatch(/cannot be bundled for a sandbox: .*limit\.ts:1:\d+/);
      await writeFile(join(folder, "limit.ts"), "export const limit = 9;");
      await expect.poll(async () => (await load())[0]).toMatch(/limit=9/);
    });
  });
});
