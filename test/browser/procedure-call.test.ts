import { WorkerProcedureCall } from "skep/procedure-call";
import { afterEach, expect, test } from "vitest";

const instances: WorkerProcedureCall[] = [];
afterEach(async () => {
  for (const calls of instances.splice(0)) await calls.stopWorkers();
});

async function started(options = {}): Promise<WorkerProcedureCall> {
  const calls = new WorkerProcedureCall(options);
  instances.push(calls);
  await calls.startWorkers({ count: 2 });
  return calls;
}

test("functions and constants work in Web Workers", async () => {
  const calls = await started();
  await calls.defineWorkerConstant({ name: "TABLE", value: new Map([["a", 1]]) });
  await calls.defineWorkerFunction({
    name: "look",
    worker_func: async function (key: string, context: any) {
      const table = wpc_constant("TABLE") as Map<string, number>;
      return [table.get(key), context.constants.TABLE.size];
    },
  });
  expect(await Promise.all([calls.call.look("a"), calls.call.look("b")])).toEqual([
    [1, 1],
    [undefined, 1],
  ]);
});

test("modules that a browser cannot load are refused when they are defined", async () => {
  const calls = await started();
  await expect(
    calls.defineWorkerDependency({ alias: "path_dep", module_specifier: "node:path" }),
  ).rejects.toThrow(/"node:path" is a module of Node.*http\(s\) URL/);
  expect(await calls.getWorkerDependencies()).toEqual([]);
});

test("a call that never yields times out, and the workers serve on", async () => {
  const calls = await started({ call_timeout_ms: 500 });
  await calls.defineWorkerFunction({
    name: "forever",
    worker_func: () => {
      for (;;);
    },
  });
  await calls.defineWorkerFunction({ name: "one", worker_func: () => 1 });
  await expect(calls.call.forever()).rejects.toThrow('Call to "forever" timed out after 500ms.');
  expect(await Promise.all([calls.call.one(), calls.call.one()])).toEqual([1, 1]);
});
