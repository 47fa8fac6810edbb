import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@playwright/test";

const run = promisify(execFile);
const script = fileURLToPath(new URL("../demo/node/submissions.mjs", import.meta.url));

test("the terminal example judges every script, and survives them all", async () => {
  const { stdout, stderr } = await run(process.execPath, [script], { timeout: 30_000 });
  expect(stderr).toBe("");
  // No colours where there is no terminal.
  expect(stdout).not.toContain("\u001B");
  for (const row of [
    /^async-retry +answered .*attempts: 3/m,
    /^csv-summary +answered .*'rocky' => 4563/m,
    /^deep-recursion +stopped .*stack-exceeded/m,
    /^endless-loop +stopped .*cpu-exceeded/m,
    /^income-tax +answered .*tax: 2951250n/m,
    /^memory-bomb +stopped .*memory-exceeded/m,
    /^never-settles +stopped .*timeout/m,
    /^prime-sieve +answered .*41538/m,
    /^prototype-pollution +answered /m,
    /^reaches-for-the-host +answered .*escaped: false, found: \[\]/m,
    /^reads-files +failed .*"node:fs" is not on the allowlist/m,
    /^throws-an-object +failed .*guest-error/m,
    /^word-statistics +answered .*words: 275/m,
    /^13 scripts in \d+ ms: 7 answered, 4 stopped at a limit, 2 failed by themselves/m,
    /the next sandbox is clean/,
  ]) {
    expect(stdout).toMatch(row);
  }
});
