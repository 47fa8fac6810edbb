import { expect, test, vi } from "vitest";
import { settle } from "./fake-clock.ts";
import { answering, stage, stateOf, watched } from "./stage.ts";

test("runs that share a signal share one listener, which goes with the last of them", async () => {
  const { pool } = await stage(answering);
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, "addEventListener");
  const removed = vi.spyOn(signal, "removeEventListener");
  const runs = Array.from({ length: 500 }, () => pool.run("add", [], { signal }));
  expect(added).toHaveBeenCalledTimes(1);
  await Promise.all(runs);
  expect(removed).toHaveBeenCalledTimes(1);
  await pool.run("add", [], { signal });
  expect(added).toHaveBeenCalledTimes(2);
  expect(removed).toHaveBeenCalledTimes(2);
});

test("an abort reaches every run of its signal, queued or running, and no other", async () => {
  const { pool, environment } = await stage(
    {},
    { workers: 1, maxInFlightPerWorker: 2, maxParkedPerWorker: 0 },
  );
  const controller = new AbortController();
  const { signal } = controller;
  const running = watched(pool.run("add", [], { signal }));
  const other = watched(pool.run("add", [], { signal: new AbortController().signal }));
  const queued = [1, 2, 3].map(() => watched(pool.run("add", [], { signal })));
  const last = watched(pool.run("add"));
  await settle();
  controller.abort();
  for (const run of queued) expect(await stateOf(run)).toBe("aborted");
  const worker = environment.worker(1);
  worker.fail(worker.runs[0]!, "aborted");
  await expect(running).rejects.toMatchObject({ code: "aborted" });
  await settle();
  worker.succeed(worker.runs[1]!, 7);
  worker.succeed(worker.lastRun, 8);
  await expect(other).resolves.toBe(7);
  await expect(last).resolves.toBe(8);
});
