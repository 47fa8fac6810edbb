/** The reference documents' own examples, with nothing changed but the import. */
import { WorkerProcedureCall } from "skep/procedure-call";
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.restoreAllMocks());

test("the example of the README runs as it stands", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await (async function () {
    const workerprocedurecall = new WorkerProcedureCall({
      call_timeout_ms: 30_000,
      control_timeout_ms: 10_000,
      restart_on_failure: true,
      max_restarts_per_worker: 3,
      max_pending_calls_per_worker: 1_000,
    });

    // Optional constants for worker functions.
    await workerprocedurecall.defineWorkerConstant({
      name: "SERVICE_PREFIX",
      value: "api-v1",
    });

    // Define dependency alias before workers start.
    await workerprocedurecall.defineWorkerDependency({
      alias: "path_dep",
      module_specifier: "node:path",
    });

    await workerprocedurecall.defineWorkerFunction({
      name: "WPCFunction1",
      worker_func: async function (file_path: string): Promise<string> {
        const path_module = (await wpc_import("path_dep")) as {
          basename: (value: string) => string;
        };

        const prefix = wpc_constant("SERVICE_PREFIX") as string;
        return `${prefix}:${path_module.basename(file_path)}`;
      },
    });

    await workerprocedurecall.startWorkers({ count: 4 });

    // Define dependency after workers already started.
    await workerprocedurecall.defineWorkerDependency({
      alias: "crypto_dep",
      module_specifier: "node:crypto",
    });

    await workerprocedurecall.defineWorkerFunction({
      name: "WPCFunction2",
      worker_func: async function (): Promise<string> {
        const crypto_module = (await wpc_import("crypto_dep")) as {
          randomUUID: () => string;
        };

        return crypto_module.randomUUID();
      },
    });

    const remote_function_information = await workerprocedurecall.getRemoteFunctions();
    const dependency_information = await workerprocedurecall.getWorkerDependencies();
    const constant_information = await workerprocedurecall.getWorkerConstants();

    console.log(remote_function_information, dependency_information, constant_information);

    const function1_return_val = await workerprocedurecall.call.WPCFunction1("/tmp/example.txt");

    const function2_return_val = await workerprocedurecall.call.WPCFunction2();

    console.log(function1_return_val, function2_return_val);

    await workerprocedurecall.undefineWorkerDependency({ alias: "crypto_dep" });
    await workerprocedurecall.undefineWokerFunction({ name: "WPCFunction2" });

    await workerprocedurecall.stopWorkers();
  })();
  const [information, results] = log.mock.calls;
  const hash = expect.stringMatching(/^[0-9a-f]{40}$/) as string;
  expect(information).toEqual([
    [
      {
        name: "WPCFunction1",
        parameter_signature: "file_path",
        function_hash_sha1: hash,
        installed_worker_count: 4,
      },
      {
        name: "WPCFunction2",
        parameter_signature: null,
        function_hash_sha1: hash,
        installed_worker_count: 4,
      },
    ],
    [
      {
        alias: "crypto_dep",
        module_specifier: "node:crypto",
        export_name: null,
        is_default_export: false,
        installed_worker_count: 4,
      },
      {
        alias: "path_dep",
        module_specifier: "node:path",
        export_name: null,
        is_default_export: false,
        installed_worker_count: 4,
      },
    ],
    [{ name: "SERVICE_PREFIX", installed_worker_count: 4 }],
  ]);
  expect(results).toEqual([
    "api-v1:example.txt",
    expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  ]);
});

test("what version 0.0.2 adds runs as it stands", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const workerprocedurecall = new WorkerProcedureCall({
    call_timeout_ms: 30_000,
    control_timeout_ms: 10_000,
    restart_on_failure: true,
    max_restarts_per_worker: 3,
    max_pending_calls_per_worker: 1_000,
    restart_base_delay_ms: 100,
    restart_max_delay_ms: 5_000,
    restart_jitter_ms: 100,
  });
  const worker_event_listener_id = workerprocedurecall.onWorkerEvent({
    listener: (worker_event) => {
      console.log("Worker event:", worker_event);
    },
  });
  await workerprocedurecall.defineWorkerFunction({
    name: "WPCFunction1",
    worker_func: async function (): Promise<string> {
      return "done";
    },
  });
  await workerprocedurecall.startWorkers({ count: 1 });
  const [before] = await workerprocedurecall.getRemoteFunctions();
  const expected_hash_sha1 = before?.function_hash_sha1;
  await workerprocedurecall.defineWorkerFunction({
    name: "WPCFunction1",
    worker_func: async function (): Promise<string> {
      return "changed";
    },
  });
  const remote_functions = await workerprocedurecall.getRemoteFunctions();
  const remote_hash = remote_functions.find((f) => f.name === "WPCFunction1")?.function_hash_sha1;
  if (remote_hash !== expected_hash_sha1) {
    console.log("Remote function is outdated or changed.");
  }
  workerprocedurecall.offWorkerEvent({ listener_id: worker_event_listener_id });
  const count = log.mock.calls.length;
  await workerprocedurecall.stopWorkers();
  expect(log.mock.calls).toHaveLength(count);
  expect(log.mock.calls[0]).toEqual([
    "Worker event:",
    expect.objectContaining({ event_id: "event_1", event_name: "worker_spawned", worker_id: 1 }),
  ]);
  expect(log).toHaveBeenLastCalledWith("Remote function is outdated or changed.");
});
