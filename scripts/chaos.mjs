// npm run chaos: 20,000 calls while machines are killed, stopped, cut and joined.
// `npm run chaos -- 12345 50000` repeats a seed, with as many calls.
import { build } from "./build.mjs";
import { findBrowser } from "./find-browser.mjs";
import { run } from "./run.mjs";

const [seed, calls = "20000"] = process.argv.slice(2);

if (!(await build())) process.exit(1);
// Playwright's configuration reads it from here.
process.env["SKEP_CHROMIUM"] ??= await findBrowser();
const { code } = await run("playwright", ["test", "e2e/remote.spec.ts", "--grep", "chaos"], {
  env: {
    SKEP_CHAOS_CALLS: calls,
    ...(seed === undefined ? {} : { SKEP_CHAOS_SEED: seed }),
  },
});
process.exitCode = code;
