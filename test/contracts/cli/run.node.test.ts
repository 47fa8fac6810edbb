/** `skep run`, as a process: what it prints where, and how it ends. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Command, folderOf, skep } from "./command.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

describe("what it runs", () => {
  it("a script from standard input", async () => {
    expect(await skep(["run", "-"], "const f = (n) => n * 2;\n[1, 2].map(f)")).toEqual({
      code: 0,
      stdout: "[ 2, 4 ]\n",
      stderr: "",
    });
  });

  it("modules of all kinds, and their functions", async () => {
    const cwd = await folderOf({
      "main.mjs": `import { one } from "./lib/one"; import legacy from "./lib/legacy.cjs";
        import data from "./data.json"; export default [one(), legacy.two(), data.three];
        export const sum = async (a, b) => { console.log("adding"); console.warn("slowly"); return a + b; };`,
      "lib/one.ts": "export const one = (): number => 1;",
      "lib/legacy.cjs": "const data = require('../data'); exports.two = () => data.three - 1;",
      "lib/late.cjs": "exports.all = () => require('./legacy.cjs').two(); exports.n = 1;",
      "data.json": '{ "three": 3 }',
      "typed.ts":
        "const n: number = 4;\nfunction twice(m: number): number { return m * 2; }\ntwice(n)",
    });
    const [plain, called, commonjs, exported, typed, json] = await Promise.all([
      skep(["run", "main.mjs"], "", cwd),
      skep(["run", "main.mjs", "--fn", "sum", "--args", "[1, 2]"], "", cwd),
      skep(["run", "lib/late.cjs", "--fn", "n"], "", cwd),
      skep(["run", "lib/late.cjs"], "", cwd),
      skep(["run", "typed.ts", "--fn", "twice", "--args", "[21]"], "", cwd),
      skep(["run", "main.mjs", "--fn=sum", "--args=[1,2]", "--json"], "", cwd),
    ]);
    expect(plain).toEqual({ code: 0, stdout: "[ 1, 2, 3 ]\n", stderr: "" });
    expect(called).toEqual({ code: 0, stdout: "adding\n3\n", stderr: "slowly\n" });
    // A place above the entry's folder is out of reach.
    expect([commonjs.code, exported.code]).toEqual([2, 2]);
    expect(exported.stderr).toContain('"../data"');
    expect(typed).toEqual({ code: 0, stdout: "42\n", stderr: "" });
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      value: 3,
      receipt: { attempts: 1 },
    });
    expect(json.stderr).toBe("adding\nslowly\n");
  });

  it("packages, where they are named", async () => {
    const source = "import { chunk } from 'lodash-es'; export default chunk([1, 2, 3], 2)";
    expect(await skep(["run", "-", "--package", "lodash-es"], source, root)).toMatchObject({
      code: 0,
      stdout: "[ [ 1, 2 ], [ 3 ] ]\n",
    });
    const refused = await skep(["run", "-"], source, root);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("allowlist")]);
  });
});

describe("how it ends", () => {
  it("with 1 when the program fails, and says where", async () => {
    const thrown = await skep(["run", "-"], "const a = 1;\nnull.x");
    expect(thrown).toMatchObject({ code: 1, stdout: "" });
    expect(thrown.stderr).toContain("TypeError");
    expect(thrown.stderr).toContain("at stdin.js:2:5");
    expect(thrown.stderr).not.toContain("\u001b");
    const broken = await skep(["run", "-", "--json"], "const = 1");
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.stdout)).toMatchObject({
      ok: false,
      error: { name: "SyntaxError", code: "guest-error" },
    });
  });

  it("with 2 when it is asked wrongly, without running anything", async () => {
    const cases: [string[], RegExp][] = [
      [[], /No command was given/],
      [["rnu"], /no command "rnu"/],
      [["run"], /needs a file/],
      [["run", "absent.js"], /absent\.js cannot be read \(ENOENT\)/],
      [["run", "-", "--jsn"], /Did you mean --json\?/],
      [["run", "-", "--timeout", "500"], /--timeout must be a duration.*not "500"/],
      [["run", "-", "--memory", "32"], /--memory must be a size/],
      [["run", "-", "--args", "[1]"], /--args needs --fn/],
      [["run", "-", "--fn", "f", "--args", "{"], /--args is not JSON/],
      [["run", "-", "--fn", "f", "--args", "{}"], /--args must be a list/],
      [["run", "-", "--memory", "1b"], /memoryBytes must be/],
      [["run", "-", "--allow-fetch", "nonsense"], /nonsense/],
    ];
    const ended = await Promise.all(cases.map(([args]) => skep(args, "console.log('ran')")));
    for (const [index, { code, stdout, stderr }] of ended.entries()) {
      expect([cases[index]![0], code, stdout]).toEqual([cases[index]![0], 2, ""]);
      expect(stderr).toMatch(cases[index]![1]);
    }
  });

  it("with 3 at a limit", async () => {
    const [time, memory] = await Promise.all([
      skep(["run", "-", "--timeout", "50ms"], "for (;;);"),
      skep(
        ["run", "-", "--memory", "4mb", "--json"],
        "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)",
      ),
    ]);
    expect(time).toMatchObject({ code: 3, stdout: "" });
    expect(time.stderr).toContain("timeout");
    expect(memory.code).toBe(3);
    expect(JSON.parse(memory.stdout)).toMatchObject({ error: { code: "memory-exceeded" } });
  });

  it("with 4 for anything else: an interruption, a result that is no JSON", async () => {
    const command = new Command(["run", "-"]).end(
      "console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 1)); for (;;);",
    );
    await command.until(/begun/);
    command.signal("SIGINT");
    expect(await command.ended).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("aborted"),
    });
    const none = await skep(["run", "-", "--json"], "10n");
    expect([none.code, none.stdout]).toEqual([4, expect.stringContaining("not-marshallable")]);
  });

  it("shows nothing that steers a terminal", async () => {
    const source = "throw new Error('\\u001b[2Jgone')";
    const { stderr } = await skep(["run", "-"], source);
    expect(stderr).toContain("\\x1b[2Jgone");
    expect((await skep(["run", "-"], "'\\u001b]0;title\\u0007'")).stdout).toBe(
      "\\x1b]0;title\\x07\n",
    );
  });
});

describe("help", () => {
  it.each([[["--help"]], [["run", "--help"]], [["repl", "-h"]], [["serve", "--help"]]])(
    "%j tells how",
    async (args) => {
      const { code, stdout, stderr } = await skep(args);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("Usage: skep");
    },
  );

  it("--version is that of the package", async () => {
    expect((await skep(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
