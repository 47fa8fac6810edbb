import { describe, expect, test } from "vitest";
import { settle } from "./fake-clock.ts";
import type { Script } from "./scripted-environment.ts";
import { answering, stage, stateOf } from "./stage.ts";

describe("defining", () => {
  test("resolves once every worker has it, and runs go only where it is", async () => {
    const releases: (() => void)[] = [];
    const script: Script = {
      ...answering,
      install: async (worker, change) => {
        if (change.revision > 1 && worker.workerId === 2) {
          await new Promise<void>((resolve) => releases.push(resolve));
        }
        return { ok: true, revision: change.revision };
      },
    };
    const { pool } = await stage(script);
    const defining = pool.define({ functions: { late: "() => 1" } });
    expect(await stateOf(defining)).toBe("pending");
    await expect(pool.call.late()).rejects.toMatchObject({ code: "unknown-function" });
    releases[0]?.();
    const { late } = await defining;
    await expect(late()).resolves.toBeTypeOf("number");
    expect(pool.registry().functions.find(({ name }) => name === "late")).toMatchObject({
      installedWorkers: 2,
    });
  });

  test("a refused definition is rolled back everywhere", async () => {
    const script: Script = {
      ...answering,
      install: (worker, change) => {
        const isBad = change.define.functions.some(({ source }) => source.includes("bad"));
        if (isBad && worker.workerId === 2) {
          const failure = { kind: "function" as const, name: "add", message: "SyntaxError: bad" };
          return { ok: false, failure };
        }
        return { ok: true, revision: change.revision };
      },
    };
    const { pool, environment } = await stage(script);
    const before = pool.registry();
    const failing = pool.define({ functions: { add: "() => bad", extra: "() => 1" } });
    await expect(failing).rejects.toMatchObject({
      code: "install-failed",
      kind: "function",
      definition: "add",
      failures: [{ workerId: 2, message: "SyntaxError: bad" }],
    });
    expect(pool.registry()).toEqual(before);
    const inverse = environment.worker(1).changes.at(-1);
    expect(inverse?.define.functions).toMatchObject([
      { name: "add", source: "(\n(a, b) => a + b\n)" },
    ]);
    expect(inverse?.undefine.functions).toEqual(["extra"]);
    expect(environment.worker(2).changes).toHaveLength(2);
    await expect(pool.call.add()).resolves.toBeTypeOf("number");
    await pool.define({ functions: { extra: "() => 2" } });
    await expect(pool.call.extra()).resolves.toBeTypeOf("number");
  });

  test("an installation that hangs costs the worker and rejects", async () => {
    let hangs = true;
    const script: Script = {
      ...answering,
      install: (_worker, change) =>
        hangs && change.define.dependencies.length > 0
          ? new Promise(() => {})
          : { ok: true, revision: change.revision },
    };
    const { pool, environment, clock } = await stage(script, { workers: 1 });
    const defining = pool.define({ dependencies: { slow: { source: "for (;;) ;" } } });
    const caught = defining.catch((error: unknown) => error);
    await clock.advance(10_300);
    expect(await caught).toMatchObject({ code: "install-failed", definition: "slow" });
    expect(environment.worker(1).isTerminated).toBe(true);
    hangs = false;
    await clock.advance(0);
    await expect(pool.call.add()).resolves.toBeTypeOf("number");
    expect(environment.worker(2).changes[0]?.define.dependencies).toEqual([]);
  });

  test("a worker lost while it installs does not fail the definition for the others", async () => {
    const script: Script = {
      ...answering,
      install: (worker, change) => {
        if (worker.workerId === 2 && change.revision > 1) {
          worker.crash();
          return new Promise(() => {});
        }
        return { ok: true, revision: change.revision };
      },
    };
    const { pool, environment, clock } = await stage(script);
    await pool.define({ constants: { A: 1 } });
    await clock.advance(100);
    const replacement = environment.worker(3).changes[0];
    expect(replacement?.define.constants.map(({ name }) => name)).toEqual(["A"]);
  });

  test("a definition that every worker is lost over is refused", async () => {
    const script: Script = {
      install: (worker, change) => {
        if (change.revision > 1 && change.define.constants.length > 0) {
          worker.crash();
          return new Promise(() => {});
        }
        return { ok: true, revision: change.revision };
      },
    };
    const { pool } = await stage(script);
    await expect(pool.define({ constants: { A: 1 } })).rejects.toMatchObject({
      code: "install-failed",
      kind: "constant",
      definition: "A",
    });
    expect(pool.registry().constants).toEqual([]);
  });

  test("a definition made while a worker starts reaches it", async () => {
    let release: (() => void) | undefined;
    const script: Script = {
      ...answering,
      initialise: (worker) =>
        worker.workerId === 3 ? new Promise((resolve) => (release = resolve)) : undefined,
    };
    const { pool, environment, clock } = await stage(script);
    environment.worker(1).crash();
    await clock.advance(100);
    await pool.define({ constants: { A: 1 } });
    release?.();
    await settle();
    const names = environment.worker(3).changes.flatMap(({ define }) => define.constants);
    expect(names.map(({ name }) => name)).toEqual(["A"]);
    expect(pool.registry().constants).toEqual([{ name: "A", installedWorkers: 2 }]);
  });

  test("a definition made while a worker installs the ones before it reaches it", async () => {
    let release: (() => void) | undefined;
    const script: Script = {
      ...answering,
      install: (worker, change) => {
        const result = { ok: true as const, revision: change.revision };
        if (worker.workerId !== 3 || worker.changes.length > 1) return result;
        return new Promise((resolve) => (release = () => resolve(result)));
      },
    };
    const { pool, environment, clock } = await stage(script);
    environment.worker(1).crash();
    await clock.advance(100);
    await pool.define({ constants: { A: 1 } });
    await pool.undefine({ functions: ["add"] });
    release?.();
    await settle();
    const [first, second] = environment.worker(3).changes;
    expect(first?.define.functions.map(({ name }) => name)).toEqual(["add"]);
    expect(second?.define.constants.map(({ name }) => name)).toEqual(["A"]);
    expect(second?.undefine.functions).toEqual(["add"]);
  });

  test("undefining stops calls at once and reaches the workers", async () => {
    const { pool, environment } = await stage(answering);
    await pool.undefine({ functions: ["add", "unknown"] });
    await expect(pool.call.add()).rejects.toMatchObject({ code: "unknown-function" });
    expect(environment.worker(1).changes.at(-1)?.undefine.functions).toEqual(["add"]);
    const changes = environment.worker(1).changes.length;
    await pool.undefine({ functions: ["add"], constants: ["X"] });
    expect(environment.worker(1).changes).toHaveLength(changes);
  });

  test("redefining the same thing asks nothing of the workers", async () => {
    const { pool, environment } = await stage(answering);
    const changes = environment.worker(1).changes.length;
    await pool.define({ functions: { add: "(a, b) => a + b  " } });
    expect(environment.worker(1).changes).toHaveLength(changes);
  });

  test("a function called then is defined, and define still resolves", async () => {
    const { pool } = await stage(answering);
    // oxlint-disable-next-line unicorn/no-thenable -- that is what this is about
    const handles = await pool.define({ functions: { then: "() => 1" } });
    expect(Object.keys(handles)).toEqual([]);
    await expect(pool.run("then")).resolves.toBeTypeOf("number");
  });
});
