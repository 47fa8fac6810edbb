/** What can be wrong with what the command reads and writes. */
import { openSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { Command, folderOf } from "./command.ts";

const program = new URL("../../../dist/cli/main.node.js", import.meta.url).pathname;

it("a function that is not there is the caller's mistake, told without anything of ours", async () => {
  const cwd = await folderOf({
    "m.mjs": "export const add = (a, b) => a + b; export const rate = 2;",
    "c.cjs": "exports.add = (a, b) => a + b;",
    "s.js": "function add(a, b) { return a + b }",
  });
  for (const file of ["m.mjs", "c.cjs", "s.js"]) {
    const { code, stdout, stderr } = await new Command(["run", file, "--fn", "sub"], { cwd }).ended;
    expect([code, stdout, stderr]).toEqual([2, "", `skep: ${file} has no function "sub".\n`]);
    const called = new Command(["run", file, "--fn", "add", "--args", "[1, 2]"], { cwd });
    expect(await called.ended).toMatchObject({ code: 0, stdout: "3\n" });
  }
  const json = await new Command(["run", "m.mjs", "--fn", "rate", "--json"], { cwd }).ended;
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    error: { message: 'm.mjs has no function "rate".' },
  });
});

it("a function may return nothing", async () => {
  const cwd = await folderOf({ "s.js": "function f() {}" });
  const { code, stdout } = await new Command(["run", "s.js", "--fn", "f", "--json"], { cwd }).ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, value: null });
});

it("bytes that are no UTF-8 are no program", async () => {
  const cwd = await folderOf({});
  await writeFile(join(cwd, "b.js"), Buffer.from([0x31, 0xff, 0xfe]));
  const { code, stderr } = await new Command(["run", "b.js"], { cwd }).ended;
  expect([code, stderr]).toEqual([2, "skep: b.js is not UTF-8.\n"]);
});

it("what JSON cannot tell still has its receipt", async () => {
  const { code, stdout } = await new Command(["run", "-", "--json"]).end("10n").ended;
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    error: { code: "not-marshallable" },
    receipt: { attempts: 1 },
  });
});

it.runIf(process.platform === "linux")("output that has no room is told of in a line", async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [program, "run", "-"], { stdio: ["pipe", full, "pipe"] });
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin!.end("'x'");
  const [code] = (await once(child, "close")) as [number];
  expect([code, stderr]).toEqual([4, "skep: The output cannot be written (ENOSPC).\n"]);
});

it("errors that nobody reads are no failure of ours", async () => {
  const child = spawn(process.execPath, [program, "run", "-"], { stdio: "pipe" });
  child.stderr.destroy();
  child.stdin.end("console.error('x'.repeat(1e6)); 7");
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect([code, stdout]).toEqual([0, "7\n"]);
});

it("what the repl writes is for nobody else's eyes, and what it cannot read it says", async () => {
  const cwd = await folderOf({ "typed.txt": "", "no.img": "nonsense" });
  const repl = new Command(["repl"], { cwd });
  const { stdout, stderr } = await repl.end(
    "globalThis.a = 7\n.save state\n.load nothing\n.load no.img\n.save ./no/such/folder\na\n",
  ).ended;
  expect(stdout).toContain("Saved to state.");
  expect(stdout.endsWith("7\n")).toBe(true);
  expect(stderr).toContain("skep: nothing cannot be read (ENOENT).");
  expect(stderr).toContain("image-refused: ");
  expect(stderr).toContain("skep: ./no/such/folder cannot be written (ENOENT).");
  expect((await stat(join(cwd, "state"))).mode & 0o777).toBe(0o600);
  expect((await readFile(join(cwd, "state"))).length).toBeGreaterThan(100);
});

it("a token of the environment is checked like one of a file, and not told", async () => {
  for (const args of [["serve"], ["worker", "--connect", "ws://127.0.0.1:1"]]) {
    const env = { SKEP_TOKEN: "two\nlines" };
    const { code, stdout, stderr } = await new Command(args, { env }).ended;
    expect(code).toBe(2);
    expect(stderr).toBe("skep: SKEP_TOKEN must have one line of visible ASCII characters.\n");
    expect(stdout).toBe("");
  }
});
