/** `skep repl`, as a process that is typed into. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Command, folderOf, skep } from "./command.ts";

it("keeps its state, goes on in the next line, and tells what fails", async () => {
  const { code, stdout, stderr } = await skep(
    ["repl"],
    "const point = {\n  x: 1,\n};\npoint.x + 1\nnull.y\nawait Promise.resolve(`a\n${point.x}`)\n'last'",
  );
  expect([code, stdout]).toEqual([0, "2\na\n1\nlast\n"]);
  expect(stderr).toContain("TypeError");
});

it("forks, goes back, saves and loads", async () => {
  const cwd = await folderOf({});
  const typed = [
    "globalThis.n = 1",
    ".fork",
    "n = 2",
    ".back",
    "n",
    ".back",
    ".save state.img",
    "n = 5",
    ".load state.img",
    "n",
    ".clear",
    "typeof n",
    ".load absent.img",
    ".nonsense",
    ".save",
    ".exit",
    "'never'",
  ];
  const { code, stdout, stderr } = await skep(
    ["repl", "--history", "typed.txt"],
    `${typed.join("\n")}\n`,
    cwd,
  );
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => !line.endsWith("."))).toEqual([
    "1",
    "2",
    "1",
    "5",
    "1",
    "undefined",
    "",
  ]);
  expect(stderr).toContain("nothing to go back to");
  expect(stderr).toContain("ENOENT");
  expect(stderr).toContain("no command .nonsense");
  expect(stderr).toContain(".save needs the name of a file");
  expect(await readFile(join(cwd, "state.img"))).not.toHaveLength(0);
});

it("ends a running line at Ctrl-C, and goes on with what was there", async () => {
  const command = new Command(["repl"]);
  command.write(
    "globalThis.kept = 7\nconsole.log('begun'); await new Promise((r) => setTimeout(r, 1)); for (;;);\n",
  );
  await command.until(/begun/);
  command.signal("SIGINT");
  await command.until(/aborted/);
  command.end("kept\n");
  expect(await command.ended).toMatchObject({ code: 0, stdout: "7\nbegun\n7\n" });
});
