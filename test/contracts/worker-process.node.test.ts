/** What only a process of its own can promise: what it has, what it may, and what its end costs. */
import { execFile, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childProcess, createPool, type Pool, type PoolOptions } from "skep";

const isLinux = process.platform === "linux";

/** A host module: what it does, it does outside of any sandbox. */
const HOST = `data:text/javascript,
import * as fs from "node:fs";
import * as childProcess from "node:child_process";
import { Worker } from "node:worker_threads";
const code = (act) => { try { return act(); } catch (error) { return error.code; } };
export const environment = () => Object.keys(process.env);
export const pid = () => process.pid;
export const read = (path) => code(() => fs.readFileSync(path, "utf8"));
export const write = (path) => code(() => fs.writeFileSync(path, "x"));
export const execute = () => code(() => childProcess.execFileSync("true"));
export const thread = () => code(() => new Worker("", { eval: true, execArgv: [] }).threadId);
export const kill = (signal) => { process.kill(process.pid, signal); for (;;); };
export const fillHeap = () => { for (const kept = [];;) kept.push(new Array(1e5).fill(kept.length)); };
export const shout = () => { for (let index = 0; index < 2000; index++) console.error("x".repeat(1000)); };
`.replaceAll("\n", " ");

const EXPORTS = "environment pid read write execute thread kill fillHeap shout".split(" ");

function open(options: PoolOptions = {}): Promise<Pool> {
  return createPool({
    environment: "child-process",
    workers: 1,
    restart: { baseDelayMs: 1, maxDelayMs: 5, jitterMs: 0 },
    dependencies: { outside: { module: HOST, exports: EXPORTS } },
    functions: {
      add: "(a, b) => a + b",
      slow: "(a, b) => { for (let index = 0; index < 2e5; index++); return a + b; }",
      ask: "(name, args, context) => context.dependencies.outside[name](...args)",
    },
    ...options,
  });
}

function ask(pool: Pool, name: string, ...args: unknown[]): Promise<unknown> {
  return pool.run("ask", [name, args]);
}

/** Resolves with the next worker's loss. */
function loss(pool: Pool): Promise<{ reason: string; exitCode?: number | undefined }> {
  return new Promise((resolve) => pool.on("worker-lost", resolve));
}

describe("a worker's process", () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = await open();
  });
  afterAll(() => pool.close({ force: true }));

  it("is another one, with an empty environment", async () => {
    expect(await ask(pool, "pid")).not.toBe(process.pid);
    expect(await ask(pool, "environment")).toEqual([]);
  });

  it.skipIf(!isLinux)(
    "has no file of the host's, and nothing in its environment block",
    async () => {
      const pid = (await ask(pool, "pid")) as number;
      const fd = openSync("/etc/hostname", "r");
      const own = await open();
      try {
        const other = (await ask(own, "pid")) as number;
        const links = readdirSync(`/proc/${other}/fd`).map((name) => {
          try {
            return readlinkSync(`/proc/${other}/fd/${name}`);
          } catch {
            return "";
          }
        });
        expect(links.length).toBeGreaterThan(5);
        expect(links).not.toContain("/etc/hostname");
      } finally {
        closeSync(fd);
        await own.close({ force: true });
      }
      const block = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
      expect(block.filter((entry) => !entry.startsWith("NODE_CHANNEL_"))).toEqual([]);
    },
  );

  it("may not read, write, or start anything", async () => {
    const refused = "ERR_ACCESS_DENIED";
    expect(await ask(pool, "read", "/etc/hostname")).toBe(refused);
    expect(await ask(pool, "write", join(tmpdir(), "skep-must-not-exist"))).toBe(refused);
    expect(existsSync(join(tmpdir(), "skep-must-not-exist"))).toBe(false);
    expect(await ask(pool, "execute")).toBe(refused);
    // A thread could be started without any of the restrictions.
    expect(await ask(pool, "thread")).toBe(refused);
  });

  it("does not wait for anybody to read what its host modules print", async () => {
    await ask(pool, "shout");
    expect(await pool.run("add", [1, 2])).toBe(3);
  });

  it.skipIf(process.platform === "win32")(
    "leaves signals of the terminal to the host",
    async () => {
      const pid = (await ask(pool, "pid")) as number;
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.kill(pid, signal);
      expect(await pool.run("add", [1, 2])).toBe(3);
      expect(await ask(pool, "pid")).toBe(pid);
    },
  );
});

describe("the rights of childProcess()", () => {
  it("are those that were given", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skep-rights-"));
    const file = join(folder, "written");
    const environment = childProcess({ read: ["package.json"], write: [folder] });
    const pool = await open({ environment });
    try {
      expect(await ask(pool, "read", join(process.cwd(), "package.json"))).toContain("skep");
      expect(await ask(pool, "read", "/etc/hostname")).toBe("ERR_ACCESS_DENIED");
      expect(await ask(pool, "write", file)).toBe(undefined);
      expect(readFileSync(file, "utf8")).toBe("x");
    } finally {
      await pool.close({ force: true });
      rmSync(folder, { recursive: true });
    }
  });

  it("include the project's packages", async () => {
    await using pool = await open({
      dependencies: { outside: { module: "nanoid", exports: ["customAlphabet", "nanoid"] } },
    });
    expect(await ask(pool, "nanoid")).toHaveLength(21);
  });

  it.each([
    [{ heapMb: 1 }, "heapMb must be a whole number of at least 32, not 1."],
    [
      { heap: 64 },
      'there is no option "heap". The options are heapMb, read, write, network, addons.',
    ],
    [{ read: "/etc" }, "read must be an array of paths."],
    [{ write: [1] }, "write must be an array of paths."],
    [{ network: 1 }, "network must be true or false."],
    [{ addons: "yes" }, "addons must be true or false."],
    [null, "options must be an object."],
  ])("are refused where they make no sense: %j", (options, message) => {
    expect(() => childProcess(options as object)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: `childProcess: ${message}` }),
    );
  });
});

describe("the end of a worker's process", () => {
  it("costs no call when it is killed from outside", async () => {
    await using pool = await open({ workers: 2 });
    const pid = (await ask(pool, "pid")) as number;
    const lost = loss(pool);
    const calls = Array.from({ length: 64 }, (_, index) => pool.run("slow", [index, 1]));
    process.kill(pid, "SIGKILL");
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index + 1));
    expect((await lost).reason).toBe("Its process was ended by SIGKILL.");
    const pids = new Set([await ask(pool, "pid"), await ask(pool, "pid")]);
    expect(pids).not.toContain(pid);
  });

  it("is told with its exit code, and what it did is not done again", async () => {
    await using pool = await open();
    const lost = loss(pool);
    const outcome = await pool.execute({ run: "ask", args: ["kill", ["SIGSEGV"]] });
    expect(outcome).toMatchObject({ ok: false, error: { code: "worker-lost" } });
    expect(outcome.receipt.attempts).toBe(1);
    expect((await lost).reason).toContain("was ended by SIGSEGV");
    expect(await pool.run("add", [1, 2])).toBe(3);
  });

  it("does not take the host along when its heap is full", async () => {
    await using pool = await open({
      environment: childProcess({ heapMb: 48 }),
      limits: { timeoutMs: 30_000 },
    });
    const lost = loss(pool);
    const doomed = ask(pool, "fillHeap");
    const innocent = pool.run("add", [1, 2]);
    await expect(doomed).rejects.toMatchObject({ code: "worker-lost" });
    expect((await lost).reason).toContain("memory");
    expect(await innocent).toBe(3);
  });

  it.skipIf(process.platform === "win32")("is brought about when it is frozen", async () => {
    await using pool = await open({ limits: { timeoutMs: 300, graceMs: 100 } });
    const pid = (await ask(pool, "pid")) as number;
    const lost = loss(pool);
    process.kill(pid, "SIGSTOP");
    expect(await pool.run("add", [1, 2])).toBe(3);
    expect((await lost).reason).toBe("It stopped answering.");
  });

  it("follows the host's, however that comes about", async () => {
    const source = `
      import { createPool } from "skep";
      const pool = await createPool({
        environment: "child-process",
        workers: 2,
        dependencies: { process: { module: "node:process", exports: ["pid"] } },
        functions: { spin: "() => { for (;;); }" },
      });
      const ask = "(await import('process')).pid";
      const pids = new Set();
      while (pids.size < 2) {
        for (const pid of await Promise.all([pool.eval(ask), pool.eval(ask)])) pids.add(pid);
      }
      pool.run("spin", [], { timeoutMs: 0 }).catch(() => {});
      pool.run("spin", [], { timeoutMs: 0 }).catch(() => {});
      setTimeout(() => console.log([...pids].join(" ")), 50);`;
    const host = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await host.stdout[Symbol.asyncIterator]().next()).value.toString().split("\n");
    const pids = String(line).split(" ").map(Number);
    expect(pids).toHaveLength(2);
    expect(pids.every(isRunning)).toBe(true);
    host.kill("SIGKILL");
    await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
  });

  it("does not keep the host from its own", async () => {
    const source = `
      import { createPool } from "skep";
      const environment = "child-process";
      const left = await createPool({ environment, workers: 2, functions: { add: "(a, b) => a + b" } });
      const closed = await createPool({ environment, workers: 1 });
      await closed.close();
      console.log(await left.run("add", [1, 2]));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", source],
      { timeout: 20_000 },
    );
    expect(stdout.trim()).toBe("3");
  });
});

it.skipIf(process.platform === "win32")("says why a process cannot be started", async () => {
  const source = `
    import { openSync } from "node:fs";
    import { createPool } from "skep";
    const pool = await createPool({ environment: "child-process", workers: 1 });
    try {
      for (;;) openSync("/dev/null", "r");
    } catch {}
    const second = createPool({ environment: "child-process", workers: 1 });
    await second.catch(({ code, message }) => console.log(code, message));
    console.log(await pool.eval("1 + 1"));`;
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", 'ulimit -n 60 && exec "$0" --input-type=module --eval "$1"', process.execPath, source],
    { timeout: 20_000 },
  );
  expect(stdout).toMatch(/^unsupported-environment The process could not start: .*EMFILE\n2\n$/);
});

/** Whether a process executes: one that has ended may be listed for as long as nobody asks for it. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isLinux || !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
