/** What is said when a package is missing that only some need. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Modules of Node that have never heard of a package. */
function without(name: string): string {
  const hooks = `export async function resolve(specifier, context, next) {
    if (specifier === "${name}") throw Object.assign(new Error("Cannot find package '${name}'"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(specifier, context);
  }`;
  return `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
}

const PROGRAM = `
  import { createPool } from "skep";
  const pool = await createPool({ workers: 1 });
  const told = [];
  const tell = (error) => told.push([error.constructor.name, error.code, error.message]);
  await pool.eval("1 as number", { language: "ts" }).catch(tell);
  const outcome = await pool.execute({ eval: "import './a.ts'", type: "module", modules: { "./a.ts": "" } });
  if (!outcome.ok) tell(outcome.error);
  await pool.define({ dependencies: { x: { source: "1 as number", language: "ts" } } }).catch(tell);
  told.push(await pool.eval("1"));
  await pool.close();
  console.log(JSON.stringify(told));
`;

const PACKAGE = `
  import { createPool } from "skep";
  const pool = await createPool({ workers: 1, dependencies: { kept: { source: "export const n = 1" } } });
  const error = await pool.define({ dependencies: { x: { npm: "lodash-es" } } }).catch((error) => error);
  const kept = await pool.eval("(await import('kept')).n");
  await pool.close();
  console.log(JSON.stringify([error.constructor.name, error.code, error.definition, error.message, kept]));
`;

const SERVER = `
  import { SkepError } from "skep";
  import { WorkerServer } from "skep/worker-server";
  const server = new WorkerServer({ port: 0 });
  server.addWebSocketEndpoint("/ws/admin", () => {});
  const error = await server.start().catch((error) => error);
  await server.stop();
  console.log(JSON.stringify([error instanceof SkepError, error.code, error.message]));
`;

const CONTEXT = `
  import { SkepError } from "skep";
  import { newWorkerEnabledContext } from "skep/worker-pool";
  const error = await newWorkerEnabledContext({ poolSize: 1 }).catch((error) => error);
  const ctx = await newWorkerEnabledContext({ poolSize: 1, workerOnly: true });
  const { value } = await ctx.evalCodeAsync("1");
  await ctx[Symbol.asyncDispose]();
  console.log(JSON.stringify([error instanceof SkepError, error.code, error.message, ctx.dump(value)]));
`;

async function run(program: string, missing: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", dataUrl(without(missing)), "--input-type=module", "--eval", program],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)) },
  );
  return JSON.parse(stdout) as unknown;
}

it("without sucrase, TypeScript is refused with what to install, and the rest works", async () => {
  const message = expect.stringMatching(
    /stripped from TypeScript with sucrase, which could not be loaded\. Run npm install sucrase/,
  );
  expect(await run(PROGRAM, "sucrase")).toEqual([
    ["SkepError", "unsupported-environment", message],
    ["SkepError", "unsupported-environment", message],
    ["InstallError", "install-failed", message],
    1,
  ]);
});

it("without esbuild, npm packages are refused with what to install, and the rest works", async () => {
  const message = expect.stringMatching(
    /bundled with esbuild, which could not be loaded\. Run npm install --save-dev esbuild, or pass the code as \{ source \}/,
  );
  const told = ["InstallError", "install-failed", "x", message, 1];
  expect(await run(PACKAGE, "esbuild")).toEqual(told);
});

it("without ws, a worker server does not start, and says what to install", async () => {
  const message = expect.stringMatching(
    /package ws, which could not be loaded\. Run npm install ws/,
  );
  expect(await run(SERVER, "ws")).toEqual([true, "unsupported-environment", message]);
});

it("without quickjs-emscripten-core, contexts have no handles, and say what to install", async () => {
  const message = expect.stringMatching(
    /needs quickjs-emscripten-core, which could not be loaded\. Run npm install quickjs-emscripten-core/,
  );
  expect(await run(CONTEXT, "quickjs-emscripten-core")).toEqual([
    true,
    "unsupported-environment",
    message,
    1,
  ]);
});

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
