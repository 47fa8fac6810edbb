/**
 * The declarations of the package as its users' compilers read them: strict, with every way of
 * resolving modules that understands `exports`, and with the oldest TypeScript that is at hand.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const require = createRequire(import.meta.url);
const current = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
/** The one that are-the-types-wrong brings along. */
const older = createRequire(
  createRequire(require.resolve("@arethetypeswrong/cli/package.json")).resolve(
    "@arethetypeswrong/core",
  ),
).resolve("typescript/bin/tsc");

const PROGRAM = `
import { createPool, type Pool, SkepError } from "skep";
import { WorkerProcedureCall } from "skep/procedure-call";
import { newWorkerPool } from "skep/worker-pool";
import { joinServer } from "skep/remote-worker";

interface Tools { add(a: number, b?: number): number }

export async function use(given: Pool<Tools>): Promise<string> {
  const pool = await createPool({
    workers: 1,
    functions: { twice: (n: number) => 2 * n, typed: { source: "(a: 1) => a", language: "ts" } },
    host: { find(id: number) { return [this.runId, id]; } },
  });
  const sum: number = (await pool.call.twice(1)) + (await given.call.add(1));
  // @ts-expect-error -- a number is needed
  void pool.call.twice("1");
  const outcome = await pool.execute<string>({ eval: "1", language: "ts" });
  const any: Pool = given;
  await any.close();
  if (outcome.ok) return outcome.value + sum;
  const error: SkepError = outcome.error;
  return error.frame ?? error.message;
}

export const others = [WorkerProcedureCall, newWorkerPool, joinServer];
`;

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2022",
  types: [] as string[],
};

const LIBRARIES = { lib: ["es2022", "dom", "esnext.disposable"] };
const NODE_NEXT = { ...LIBRARIES, module: "nodenext" };
const BUNDLER = { ...LIBRARIES, module: "esnext", moduleResolution: "bundler" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skep-consumer-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/skep"), "junction");
  await writeFile(join(folder, "program.ts"), PROGRAM);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["nodenext", current, NODE_NEXT],
  ["bundler", current, BUNDLER],
  // Its check of the platform's own declarations takes seconds.
  ["bundler, and an older compiler", older, { ...BUNDLER, skipLibCheck: true }],
])("compiles strictly with %s", { timeout: 60_000 }, async (_name, compiler, options) => {
  const config = { compilerOptions: { ...STRICT, ...options }, files: ["program.ts"] };
  const file = join(folder, "tsconfig.json");
  await writeFile(file, JSON.stringify(config));
  const said = await run(process.execPath, [compiler, "-p", file]).then(
    () => "",
    (error: { stdout?: string }) => error.stdout ?? "It did not start.",
  );
  expect(said).toBe("");
});
