import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { create, logEvents, rejection, started } from "./started.ts";

describe("dependencies", () => {
  test("a class instance of a host module is used through its methods", async () => {
    const calls = await started({
      digest: async function (text: string) {
        const crypto = (await wpc_import("crypto_dep")) as any;
        return crypto.createHash("sha256").update(text).digest("hex");
      },
    });
    await calls.defineWorkerDependency({ alias: "crypto_dep", module_specifier: "node:crypto" });
    const expected = createHash("sha256").update("hello").digest("hex");
    expect(await calls.call.digest("hello")).toBe(expected);
  });

  test("export_name and is_default_export choose what wpc_import gives", async () => {
    const folder = await mkdtemp(join(tmpdir(), "skep-test-"));
    const commonjs = join(folder, "commonjs.cjs");
    await writeFile(
      commonjs,
      `const api = (seconds) => seconds * 1000;
       for (const name of ["one", "two"]) api[name] = () => name;
       module.exports = api;`,
    );
    const calls = await started({
      all: async () => {
        const path = (await wpc_import("path")) as any;
        const callable = (await wpc_import("callable")) as any;
        return [
          path.basename("/a/b"),
          ((await wpc_import("basename")) as any)("/a/c"),
          ((await wpc_import("path_default")) as any).basename("/a/d"),
          callable(2),
          callable.one(),
          ((await wpc_import("callable_default")) as any)(3),
          ((await wpc_import({ alias: "two" })) as any)(),
        ];
      },
    });
    const module_specifier = "node:path";
    await calls.defineWorkerDependency({ alias: "path", module_specifier });
    await calls.defineWorkerDependency({
      alias: "basename",
      module_specifier,
      export_name: "basename",
    });
    await calls.defineWorkerDependency({
      alias: "path_default",
      module_specifier,
      is_default_export: true,
    });
    await calls.defineWorkerDependency({ alias: "callable", module_specifier: commonjs });
    await calls.defineWorkerDependency({
      alias: "callable_default",
      module_specifier: commonjs,
      is_default_export: true,
    });
    await calls.defineWorkerDependency({
      alias: "two",
      module_specifier: commonjs,
      export_name: "two",
    });
    expect(await calls.call.all()).toEqual(["b", "c", "d", 2000, "one", 3000, "two"]);
    const described = await calls.getWorkerDependencies();
    expect(described.map(({ alias }) => alias)).toEqual([
      "basename",
      "callable",
      "callable_default",
      "path",
      "path_default",
      "two",
    ]);
    expect(described[0]).toEqual({
      alias: "basename",
      module_specifier,
      export_name: "basename",
      is_default_export: false,
      installed_worker_count: 1,
    });
    expect(described[4]).toMatchObject({ export_name: null, is_default_export: true });
  });

  test("only what is defined can be imported", async () => {
    const calls = await started({
      dynamic: async (alias: string) => typeof (await wpc_import(alias)),
    });
    const error = await rejection(calls.call.dynamic("node:fs"));
    expect(error).toBeInstanceOf(ReferenceError);
    expect(error.message).toMatch('"node:fs" is not defined');
    await calls.defineWorkerDependency({ alias: "os", module_specifier: "node:os" });
    // Computed names work when they run, though no eligibility check can see them.
    expect(await calls.call.dynamic("os")).toBe("object");
  });

  test("a module that is not there is refused, with worker and module named", async () => {
    const calls = await started({}, { count: 2 });
    const log = logEvents(calls);
    const error = await rejection(
      calls.defineWorkerDependency({ alias: "bad", module_specifier: "no-such-module-anywhere" }),
    );
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(error.message).toMatch(
      /^Failed to install dependency "bad" on one or more workers: Worker 1: Cannot find module 'no-such-module-anywhere'/,
    );
    expect(error.message).toMatch(/; Worker 2: /);
    expect(await calls.getWorkerDependencies()).toEqual([]);
    expect(log.named("control_command_failed")).toMatchObject([
      { worker_id: 1, source: "worker", details: { command: "define_dependency" } },
      { worker_id: 2, correlation_id: expect.stringMatching(/^control_\d+$/) },
    ]);
  });
});

describe("weakness: a failed definition stayed registered, and every later start failed", () => {
  test("while workers run, what was there before is still there", async () => {
    const calls = await started({ twice: (x: number) => x * 2 }, { count: 2 });
    class Counter {
      #count = 0;
      static read = (counter: Counter) => counter.#count;
    }
    const before = await calls.getRemoteFunctions();
    const error = await rejection(
      calls.defineWorkerFunction({ name: "twice", worker_func: Counter.read }),
    );
    expect(error.message).toMatch(
      /^Failed to install function "twice" on one or more workers: Worker 1: SyntaxError: .*; Worker 2: SyntaxError/,
    );
    expect(await calls.getRemoteFunctions()).toEqual(before);
    expect(await Promise.all([calls.call.twice(2), calls.call.twice(3)])).toEqual([4, 6]);
    await calls.stopWorkers();
    await calls.startWorkers({ count: 1 });
    expect(await calls.call.twice(4)).toBe(8);
  });

  test("before the start, the one to blame is named and removed", async () => {
    const calls = create();
    await calls.defineWorkerDependency({ alias: "bad", module_specifier: "no-such-module" });
    await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
    const error = await rejection(calls.startWorkers({ count: 1 }));
    expect(error.message).toMatch(
      /^Failed to install dependency "bad" on one or more workers: Worker 1: Cannot find module/,
    );
    expect(calls.getWorkerHealthStates()).toEqual([]);
    expect(await calls.getWorkerDependencies()).toEqual([]);
    await calls.startWorkers({ count: 1 });
    expect(await calls.call.one()).toBe(1);
  });
});

describe("constants", () => {
  test("weakness: redefining a Map was ignored", async () => {
    const calls = await started({
      read: () => [...(wpc_constant("TABLE") as Map<string, number>)],
    });
    await calls.defineWorkerConstant({ name: "TABLE", value: new Map([["a", 1]]) });
    expect(await calls.call.read()).toEqual([["a", 1]]);
    await calls.defineWorkerConstant({ name: "TABLE", value: new Map([["a", 2]]) });
    expect(await calls.call.read()).toEqual([["a", 2]]);
  });

  test("weakness: a mutated constant leaked into the next call", async () => {
    const calls = await started({
      count: () => {
        const list = wpc_constant("LIST") as number[];
        (globalThis as any).calls = ((globalThis as any).calls ?? 0) + 1;
        return [list.push(9), (globalThis as any).calls];
      },
    });
    await calls.defineWorkerConstant({ name: "LIST", value: [1] });
    for (let round = 0; round < 3; round++) expect(await calls.call.count()).toEqual([2, 1]);
  });

  test("a value is taken as it is when it is defined", async () => {
    const calls = await started({ read: () => wpc_constant("CONFIG") });
    const config = { port: 1 };
    const defining = calls.defineWorkerConstant({ name: "CONFIG", value: config });
    config.port = 2;
    await defining;
    expect(await calls.call.read()).toEqual({ port: 1 });
  });
});

describe("functions", () => {
  test("weakness: method shorthand did not install", async () => {
    const methods = {
      add(a: number, b: number) {
        return a + b;
      },
      async later(a: number) {
        return a;
      },
    };
    const calls = await started(methods);
    expect(await calls.call.add(1, 2)).toBe(3);
    expect(await calls.call.later(4)).toBe(4);
  });

  test("weakness: context took the place of omitted and rest parameters", async () => {
    const calls = await started({
      optional: (a: number, b = 5) => a + b,
      rest: (...all: unknown[]) => all.length,
      none: function () {
        return arguments.length;
      },
    });
    expect(await calls.call.optional(1)).toBe(6);
    expect(await calls.call.rest(1, 2)).toBe(2);
    expect(await calls.call.none()).toBe(0);
  });

  test("a last parameter named context gets dependencies and constants", async () => {
    const calls = await started();
    await calls.defineWorkerConstant({ name: "PREFIX", value: "p" });
    await calls.defineWorkerDependency({ alias: "path_dep", module_specifier: "node:path" });
    await calls.defineWorkerFunction({
      name: "join",
      worker_func: async (a: string, b: string, context: any) => {
        const { join } = context.dependencies.path_dep;
        return `${context.constants.PREFIX}:${join(a, b ?? "none")}`;
      },
    });
    expect(await calls.call.join("a", "b")).toBe("p:a/b");
    expect(await calls.call.join("a")).toBe("p:a/none");
    await calls.undefineWorkerConstant({ name: "PREFIX" });
    const error = await rejection(calls.call.join("a"));
    expect(error.message).toBe('Function "join" requires constant "PREFIX" which is not defined.');
  });

  test("the hash is SHA-1 of the source with normalized line ends, trimmed", async () => {
    const calls = await started();
    // oxlint-disable-next-line typescript/no-implied-eval -- line ends that no formatter touches
    const worker_func = new Function("return function (value, rest) {\r\n  return value;\r}")();
    await calls.defineWorkerFunction({ name: "hashed", worker_func });
    const [information] = await calls.getRemoteFunctions();
    const source = String(worker_func).replace(/\r\n?/g, "\n").trim();
    expect(information).toEqual({
      name: "hashed",
      parameter_signature: "value",
      function_hash_sha1: createHash("sha1").update(source, "utf8").digest("hex"),
      installed_worker_count: 1,
    });
    expect(await calls.call.hashed(3)).toBe(3);
  });

  test("a redefinition is there for the first call after it, and calls go on meanwhile", async () => {
    const calls = await started({ version: () => 1 }, { count: 2 });
    const seen: number[] = [];
    const defining = new AbortController();
    const caller = (async () => {
      while (!defining.signal.aborted) seen.push(await calls.call.version());
    })();
    await calls.defineWorkerFunction({ name: "version", worker_func: () => 2 });
    defining.abort();
    expect(await Promise.all([calls.call.version(), calls.call.version()])).toEqual([2, 2]);
    await caller;
    expect(seen.every((version) => version === 1 || version === 2)).toBe(true);
  });

  test("undefining ends calls at once, in both spellings; unknown names are ignored", async () => {
    const calls = await started({ one: () => 1, two: () => 2 });
    await calls.undefineWokerFunction({ name: "one" });
    await calls.undefineWorkerFunction({ name: "two" });
    expect((await rejection(calls.call.one())).message).toBe('Function "one" is not defined.');
    expect((await rejection(calls.call.two())).message).toBe('Function "two" is not defined.');
    await calls.undefineWorkerFunction({ name: "never" });
    await calls.undefineWorkerConstant({ name: "never" });
    await calls.undefineWorkerDependency({ alias: "never" });
    expect(await calls.getRemoteFunctions()).toEqual([]);
  });

  test("weakness: definitions made while workers start were missed", async () => {
    const calls = create();
    const starting = calls.startWorkers({ count: 2 });
    const defining: Promise<void>[] = [];
    calls.onWorkerEvent({
      listener: ({ event_name, worker_id }) => {
        if (event_name !== "worker_spawned" && event_name !== "worker_ready") return;
        const name = `${event_name}_${worker_id}`;
        defining.push(calls.defineWorkerFunction({ name, worker_func: () => 1 }));
      },
    });
    await starting;
    await Promise.all(defining);
    const functions = await calls.getRemoteFunctions();
    expect(functions.map(({ installed_worker_count }) => installed_worker_count)).toEqual([
      2, 2, 2, 2,
    ]);
    for (const { name } of functions) {
      expect(await Promise.all([calls.call[name](), calls.call[name]()])).toEqual([1, 1]);
    }
  });
});
