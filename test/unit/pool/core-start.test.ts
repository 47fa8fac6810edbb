import { expect, test } from "vitest";
import { PoolCore } from "../../../src/pool/core.ts";
import { resolveOptions } from "../../../src/pool/options.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { FakeClock } from "./fake-clock.ts";
import { ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";
import { record, stage } from "./stage.ts";

test("a core numbers its workers on from where another one stopped", async () => {
  const platform = scriptedPlatform(new ScriptedEnvironment());
  const settings = resolveOptions(platform, { workers: 2 });
  const spawned: number[] = [];
  const core = await PoolCore.start(platform, settings, new Registry(), {
    clock: new FakeClock(),
    lastWorkerId: 7,
    onCreated: ({ events }) =>
      events.on("worker-spawned", ({ workerId }) => spawned.push(workerId)),
  });
  expect(spawned).toEqual([8, 9]);
  expect(core.supervisor.lastWorkerId).toBe(9);
  await core.close(true);
});

test("closing tells which workers freed their sandboxes, and when each is gone", async () => {
  const { pool } = await stage();
  const names: string[] = [];
  for (const name of ["worker-shutdown", "worker-state", "worker-ended", "closed"] as const) {
    pool.on(name, () => names.push(name));
  }
  await pool.close();
  expect(names).toEqual([
    "worker-shutdown",
    "worker-shutdown",
    "worker-state",
    "worker-state",
    "worker-ended",
    "worker-ended",
    "closed",
  ]);
});

test("a forced close waits for no worker's word", async () => {
  const { pool } = await stage();
  const shutdowns = record(pool, "worker-shutdown");
  const ends = record(pool, "worker-ended");
  await pool.close({ force: true });
  expect(shutdowns).toEqual([]);
  expect(ends).toEqual([{ workerId: 1 }, { workerId: 2 }]);
});

test("a lost worker's cause is told", async () => {
  const { pool, environment } = await stage();
  const losses = record(pool, "worker-lost");
  const cause = new TypeError("inside");
  environment.worker(1).crash({ reason: "It threw.", cause });
  expect(losses).toMatchObject([{ workerId: 1, reason: "It threw.", cause }]);
});

test("a message of an unknown type has a warning of its own", async () => {
  const { pool, environment } = await stage();
  const warnings = record(pool, "warning");
  environment.worker(1).sendRaw(99, 0, 0, 0, 0);
  environment.worker(2).sendRaw(1, 0);
  expect(warnings.map(({ name, workerId }) => [name, workerId])).toEqual([
    ["unknown-message", 1],
    ["worker-broken", 2],
  ]);
});
