/** The programs of the README and of pages beside it, run as a new user would, with the output their comments announce. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = new URL("../../", import.meta.url);

for (const page of [
  "README.md",
  "docs/dependencies.md",
  "docs/deployments.md",
  "docs/environments.md",
  "docs/remote-workers.md",
  "docs/fetch.md",
  "docs/files.md",
  "docs/host-functions.md",
  "docs/observability.md",
  "docs/sessions.md",
  "docs/values.md",
  "docs/web-apis.md",
  "docs/worker-pool.md",
  "docs/worker-server.md",
]) {
  const text = readFileSync(new URL(page, root), "utf8");
  const programs = [...text.matchAll(/^```js\n(.*?)^```$/gms)]
    .map(([, source]) => source ?? "")
    .filter((source) => source.includes("import "));

  describe(page, () => {
    it("has programs", () => expect(programs.length).toBeGreaterThan(0));

    it.each(programs.map((source, index) => [index + 1, source] as const))(
      "program %i prints what it says",
      async (_, source) => {
        const announced = [...source.matchAll(/\);\s*\/\/ (.*)$/gm)].map(([, line]) => line);
        const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", source], {
          cwd: root,
          timeout: 30_000,
        });
        expect(announced.length).toBeGreaterThan(0);
        expect(stdout.trim().split("\n")).toEqual(announced);
      },
    );
  });
}
