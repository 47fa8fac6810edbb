/** `perRun: "overlay"`: what a run does to the files is there when it succeeds, and only then. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Pool, SkepError } from "skep";
import type { Backend } from "./file-backends.ts";
import type { Terrain } from "./suite.ts";

export function overlaysContract(terrain: Terrain, backend: Backend): void {
  const { environment, engine, threaded } = terrain;

  describe(`file overlays: ${environment}, ${engine}, ${backend.name}`, () => {
    let pool: Pool;
    let reached: () => void;
    let go: () => void;
    /** Resolves when the guest has called `host.stop()`, which then waits for `go()`. */
    function stopped(): Promise<void> {
      return new Promise((resolve) => (reached = resolve));
    }
    beforeAll(async () => {
      pool = await terrain.createPool({
        environment,
        engine,
        workers: 2,
        files: { perRun: "overlay", maxBytes: 10_000, backend: await backend.make() },
        limits: { graceMs: 100 },
        restart: { baseDelayMs: 1, maxDelayMs: 1, jitterMs: 0 },
        host: {
          stop: () => {
            const going = new Promise<void>((resolve) => (go = resolve));
            reached();
            return going;
          },
        },
      });
    });
    afterAll(() => pool.close({ force: true }));
    beforeEach(async () => {
      for (const { name } of await pool.files.readdir("/data")) {
        await pool.files.rm(`/data/${name}`, { recursive: true });
      }
      await pool.files.writeFile("/data/f", "before");
    });
    async function failure(run: Promise<unknown>): Promise<string> {
      return run.then(
        () => "succeeded",
        (error: SkepError) => error.code,
      );
    }
    async function isUntouched(): Promise<void> {
      expect(await pool.files.readdir("/data")).toEqual([{ name: "f", type: "file" }]);
      expect(await pool.files.readFile("/data/f", "utf8")).toBe("before");
      expect(pool.files.usage()).toMatchObject({ bytes: 6, files: 1 });
    }
    const change = `await fs.writeFile("f", "after"); await fs.mkdir("d"); await fs.appendFile("d/g", "new");`;

    it("are seen by nobody else until the run has succeeded", async () => {
      const stop = stopped();
      const run = pool.eval(`${change} await host.stop(); await fs.readFile("d/g", "utf8")`);
      await stop;
      expect(await pool.files.readFile("/data/f", "utf8")).toBe("before");
      expect(await pool.eval(`[await fs.readFile("f", "utf8"), await fs.exists("d")]`)).toEqual([
        "before",
        false,
      ]);
      go();
      expect(await run).toBe("new");
      expect(await pool.files.readFile("/data/f", "utf8")).toBe("after");
      expect(await pool.files.readFile("/data/d/g", "utf8")).toBe("new");
    });

    it("are committed before the pool is drained", async () => {
      await using draining = await terrain.createPool({
        environment,
        engine,
        workers: 1,
        files: { perRun: "overlay", backend: await backend.make() },
      });
      const run = draining.eval(`await fs.writeFile("g", "1"); 1`);
      await draining.drain();
      expect(await draining.files.readFile("/data/g", "utf8")).toBe("1");
      await run;
    });

    it("are committed with what was asked for and not awaited", async () => {
      await pool.eval(`fs.writeFile("f", "after"); 1`);
      expect(await pool.files.readFile("/data/f", "utf8")).toBe("after");
    });

    it("are gone when the run throws", async () => {
      expect(await failure(pool.eval(`${change} throw new Error("no")`))).toBe("guest-error");
      await isUntouched();
    });

    it("are gone when its result cannot leave the sandbox", async () => {
      expect(await failure(pool.eval(`${change} () => 1`))).toBe("not-marshallable");
      await isUntouched();
    });

    it("are gone when it hits a limit", async () => {
      const limit = { timeoutMs: 300 };
      expect(await failure(pool.eval(`${change} await new Promise(() => {})`, limit))).toBe(
        "timeout",
      );
      await isUntouched();
    });

    it("are gone when it is aborted", async () => {
      const controller = new AbortController();
      const stop = stopped();
      const run = failure(pool.eval(`${change} await host.stop()`, { signal: controller.signal }));
      await stop;
      controller.abort();
      expect(await run).toBe("aborted");
      await isUntouched();
    });

    it("begin anew when the run is lost with its worker and run again", async () => {
      // Three would be two runs' work: the append is made once more, on the files as they are.
      const lost = pool.execute({
        eval: `await fs.appendFile("f", "+"); await fs.exists("mark") || await new Promise((done) => setTimeout(done, 60_000)); await fs.readFile("f", "utf8")`,
      });
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (pool.files.usage().bytes > 6) resolve();
          else setTimeout(look, 5);
        };
        look();
      });
      await pool.files.writeFile("/data/mark", "");
      for (const { id } of pool.health()) pool.restartWorker(id);
      expect(await lost).toMatchObject({ ok: true, value: "before+", receipt: { attempts: 2 } });
      expect(await pool.files.readFile("/data/f", "utf8")).toBe("before+");
    });

    it("lose no append of runs beside each other", async () => {
      const runs = Array.from({ length: 30 }, (_, run) =>
        pool.eval(
          `await fs.appendFile("log", "${run}\\n"); await fs.appendFile("log", "${run}\\n");`,
        ),
      );
      await Promise.all(runs);
      const lines = (await pool.files.readFile("/data/log", "utf8")).trimEnd().split("\n");
      // Both of a run are committed together.
      expect(lines.filter((line, at) => at % 2 === 0 && lines[at + 1] !== line)).toEqual([]);
      expect(lines.length).toBe(60);
    });

    it("that have no place any more fail the run, with nothing changed", async () => {
      const stop = stopped();
      const run = pool.execute({
        eval: `await fs.writeFile("g", "1"); await fs.writeFile("x", "1"); await host.stop()`,
      });
      await stop;
      await pool.files.mkdir("/data/x");
      go();
      const outcome = await run;
      expect(outcome).toMatchObject({ ok: false, error: { code: "commit-failed" } });
      expect(!outcome.ok && outcome.error.message).toMatch(
        /'\/data\/x' has become a directory, and was to be a file. Nothing was changed. Run it again.$/,
      );
      expect(await pool.files.exists("/data/g")).toBe(false);
    });

    it("share one quota", async () => {
      const stop = stopped();
      const first = pool.eval(`await fs.writeFile("a", "x".repeat(6_000)); await host.stop()`);
      await stop;
      const second = pool.eval(`await fs.writeFile("b", "x".repeat(6_000))`);
      await expect(second).rejects.toMatchObject({ data: { code: "ENOSPC" } });
      go();
      await first;
      expect(pool.files.usage()).toMatchObject({ bytes: 6_006, files: 2 });
    });

    it.runIf(threaded ? terrain.signals : backend.name === "memory")(
      "are std's as well",
      async () => {
        const source = `const file = std.open("f", "a"); file.puts("!"); [std.loadFile("f"), os.mkdir("d")]`;
        expect(await failure(pool.eval(`${source}; throw 1`))).toBe("guest-error");
        await isUntouched();
        expect(await pool.eval(source)).toEqual(["before!", 0]);
        expect(await pool.files.readFile("/data/f", "utf8")).toBe("before!");
      },
    );
  });
}
