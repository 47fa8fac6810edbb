import { describe, expect, test } from "vitest";
import { createPoolOn } from "../../../src/pool/create-pool.ts";
import { Launch } from "../../../src/pool/launch.ts";
import { resolveOptions } from "../../../src/pool/options.ts";
import { settle } from "./fake-clock.ts";
import { type Script, ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";
import { watched } from "./stage.ts";

function launching(
  script: Script = {},
  workers = 2,
): { environment: ScriptedEnvironment; launch: Launch } {
  const environment = new ScriptedEnvironment(script);
  const platform = scriptedPlatform(environment);
  return { environment, launch: new Launch(platform, resolveOptions(platform, { workers }), 4) };
}

describe("a launch", () => {
  test("opens the workers before anything else of the pool has happened", async () => {
    const environment = new ScriptedEnvironment();
    const creating = createPoolOn(scriptedPlatform(environment), { workers: 3 });
    expect(environment.workers.map(({ workerId }) => workerId)).toEqual([1, 2, 3]);
    const pool = await creating;
    // Taken over, not opened once more.
    expect(environment.workers).toHaveLength(3);
    await pool.close();
  });

  test("numbers workers on, and gives each to one taker", async () => {
    const { environment, launch } = launching();
    expect(await launch.take(5)).toBe(environment.worker(5).handle);
    expect(launch.take(5)).toBeUndefined();
    expect(launch.take(4)).toBeUndefined();
    expect(await launch.take(6)).toBe(environment.worker(6).handle);
  });

  test("ends the workers nobody took when the start fails, those still opening included", async () => {
    let open = (): void => {};
    const { environment, launch } = launching({
      open: ({ workerId }) =>
        workerId === 6 ? new Promise<void>((resolve) => (open = resolve)) : undefined,
    });
    const failing = watched(launch.until(Promise.reject(new Error("no core"))));
    await settle();
    expect(environment.worker(5).isTerminated).toBe(true);
    expect(environment.worker(6).isTerminated).toBe(false);
    open();
    await expect(failing).rejects.toThrow("no core");
    expect(environment.worker(6).isTerminated).toBe(true);
  });

  test("leaves what was taken to its taker", async () => {
    const { environment, launch } = launching();
    await launch.take(5);
    await watched(launch.until(Promise.reject(new Error("no core")))).catch(() => {});
    expect(environment.worker(5).isTerminated).toBe(false);
    expect(environment.worker(6).isTerminated).toBe(true);
  });

  test("tells that a worker ended before anybody took it", async () => {
    const { environment, launch } = launching();
    await settle();
    const cause = new TypeError("inside");
    environment.worker(5).crash({ reason: "It threw.", cause });
    await expect(launch.take(5)).rejects.toMatchObject({
      code: "unsupported-environment",
      message: "Worker 5 ended before it was started: It threw.",
      cause,
    });
  });
});

describe("a pool that cannot be created leaves no worker", () => {
  test("when the engine cannot be loaded", async () => {
    const environment = new ScriptedEnvironment();
    const platform = scriptedPlatform(environment);
    platform.loadEngine = () => Promise.reject(new Error("no engine"));
    await expect(createPoolOn(platform, { workers: 2 })).rejects.toThrow("no engine");
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });

  test("when a dependency cannot be had", async () => {
    const environment = new ScriptedEnvironment();
    const creating = createPoolOn(scriptedPlatform(environment), {
      workers: 2,
      dependencies: { lodash: { npm: "lodash-es" } },
    });
    await expect(creating).rejects.toMatchObject({ code: "install-failed" });
    expect(environment.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  });

  test("and opens none when the options are wrong", async () => {
    const environment = new ScriptedEnvironment();
    const options = { workers: 2, functions: { broken: "not a function" } };
    await expect(createPoolOn(scriptedPlatform(environment), options)).rejects.toMatchObject({
      code: "invalid-argument",
    });
    expect(environment.workers).toEqual([]);
  });
});
