/** What is said when a package is missing that only some need. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Modules of Node that have never heard of sucrase. */
const HOOKS = `export async function resolve(specifier, context, next) {
  if (specifier === "sucrase") throw Object.assign(new Error("Cannot find package 'sucrase'"), { code: "ERR_MODULE_NOT_FOUND" });
  return next(specifier, context);
}`;
const REGISTER = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOKS))});`;

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

it("without sucrase, TypeScript is refused with what to install, and the rest works", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", dataUrl(REGISTER), "--input-type=module", "--eval", PROGRAM],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)) },
  );
  const message = expect.stringMatching(
    /stripped from TypeScript with sucrase, which could not be loaded\. Run npm install sucrase/,
  );
  expect(JSON.parse(stdout)).toEqual([
    ["SkepError", "unsupported-environment", message],
    ["SkepError", "unsupported-environment", message],
    ["InstallError", "install-failed", message],
    1,
  ]);
});

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
