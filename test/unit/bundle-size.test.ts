/** What a page downloads for skep, as esbuild bundles `dist` for it: in gzipped bytes. */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";

/** What `import { createPool } from "skep"` may cost a page before its workers load. */
const POOL_BUDGET = 25_000;
/** The same for `import { WorkerProcedureCall } from "skep/procedure-call"`. */
const PROCEDURE_CALL_BUDGET = 27_000;
/** The same for `import { newWorkerPool } from "skep/worker-pool"`. */
const WORKER_POOL_BUDGET = 26_000;
/** What has arrived in the page, workers aside, by the first result: the above and what runs pools. */
const RUNNING_BUDGET = 58_000;

class Bundle {
  constructor(
    readonly entry: string,
    readonly outputs: Metafile["outputs"],
    readonly gzipped: ReadonlyMap<string, number>,
  ) {}

  static async of(entry: string): Promise<Bundle> {
    const { metafile, outputFiles } = await build({
      entryPoints: [entry],
      outdir: "bundled",
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      // A peer that is the page's own, and only loaded for contexts with handles.
      external: ["quickjs-emscripten-core", "@jitl/quickjs-wasmfile-release-asyncify"],
      target: "es2022",
      legalComments: "none",
      metafile: true,
      write: false,
    });
    const paths = Object.keys(metafile.outputs);
    const sizes = outputFiles.map(({ path, contents }): [string, number] => [
      paths.find((output) => path.endsWith(output)) ?? path,
      gzipSync(contents).length,
    ]);
    return new Bundle(entry, metafile.outputs, new Map(sizes));
  }

  get main(): string {
    return this.outputOf(this.entry);
  }

  /** The output that has a module as its entry. */
  outputOf(entry: string): string {
    const found = Object.entries(this.outputs).find(([, output]) => output.entryPoint === entry);
    if (found === undefined) throw new Error(`${entry} is no file of its own in this bundle.`);
    return found[0];
  }

  /** The outputs that are loaded with these, all of them. */
  loadedWith(...outputs: string[]): Set<string> {
    const loaded = new Set<string>();
    const waiting = [...outputs];
    for (let output = waiting.pop(); output !== undefined; output = waiting.pop()) {
      if (loaded.has(output)) continue;
      loaded.add(output);
      for (const { path, kind, external } of this.outputs[output]?.imports ?? []) {
        if (kind === "import-statement" && external !== true) waiting.push(path);
      }
    }
    return loaded;
  }

  bytes(outputs: Iterable<string>): number {
    return [...outputs].reduce((sum, output) => sum + (this.gzipped.get(output) ?? Number.NaN), 0);
  }

  /** The modules in the outputs, the heaviest first, with their minified bytes. */
  modules(outputs: Iterable<string>): [string, number][] {
    return [...outputs]
      .flatMap((output) => Object.entries(this.outputs[output]?.inputs ?? {}))
      .map(([module, { bytesInOutput }]): [string, number] => [module, bytesInOutput])
      .filter(([, bytes]) => bytes > 0)
      .sort((left, right) => right[1] - left[1]);
  }
}

/** Who weighs what, for whoever has to find out why a budget is exceeded. */
function weights(bundle: Bundle, outputs: Iterable<string>): string {
  const heaviest = bundle.modules(outputs).slice(0, 15);
  return heaviest.map(([module, bytes]) => `${module}: ${bytes} bytes, not gzipped`).join("\n");
}

const ENTRIES = [
  {
    specifier: "skep",
    entry: "dist/index.js",
    runner: "dist/pool/start.js",
    budget: POOL_BUDGET,
  },
  {
    specifier: "skep/procedure-call",
    entry: "dist/facades/procedure-call/index.js",
    runner: "dist/pool/core.js",
    budget: PROCEDURE_CALL_BUDGET,
  },
  {
    specifier: "skep/worker-pool",
    entry: "dist/facades/worker-pool/index.js",
    runner: "dist/pool/core.js",
    budget: WORKER_POOL_BUDGET,
  },
];

describe.each(ENTRIES)("a page that imports $specifier", ({ entry, runner, budget }) => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await Bundle.of(entry);
  });

  test(`loads less than ${budget} bytes before its workers`, () => {
    const loaded = bundle.loadedWith(bundle.main);
    expect(bundle.bytes(loaded), weights(bundle, loaded)).toBeLessThan(budget);
  });

  test(`has loaded less than ${RUNNING_BUDGET} bytes by its first result`, () => {
    const loaded = bundle.loadedWith(bundle.main, bundle.outputOf(runner));
    expect(bundle.bytes(loaded), weights(bundle, loaded)).toBeLessThan(RUNNING_BUDGET);
  });

  test("loads nothing of the guest, of URL dependencies or of SHA-2 until it is used", () => {
    const loaded = bundle.loadedWith(bundle.main, bundle.outputOf(runner));
    const modules = bundle.modules(loaded).map(([module]) => module);
    expect(modules.filter((module) => /\/guest\/|fetch-source|sha2/.test(module))).toEqual([]);
  });
});

test("the README names the budgets", async () => {
  const readme = await readFile("README.md", "utf8");
  const [, before, running] = /less than (\d+) kB of skep .* less than (\d+) kB/.exec(readme) ?? [];
  expect([Number(before) * 1_000, Number(running) * 1_000]).toEqual([POOL_BUDGET, RUNNING_BUDGET]);
});
