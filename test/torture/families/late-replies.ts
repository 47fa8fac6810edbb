import type { Pool } from "skep";
import { expect } from "vitest";
import type { Desk } from "../desk.ts";
import { gives } from "../expectations.ts";
import type { Family, Stage, Vector } from "../vector.ts";

type End = (
  stage: Stage,
  end: { signal: AbortSignal; abort: () => void },
) => { timeoutMs?: number };

/** How the first run ends while the host still works for it. */
const ENDS: Record<string, { script: string; code: string; end: End }> = {
  "timed out": { script: `await host.hold()`, code: "timeout", end: () => ({ timeoutMs: 40 }) },
  aborted: {
    script: `await host.hold()`,
    code: "aborted",
    end: ({ desk }, { abort }) => (void desk.nextHeld().then(abort), {}),
  },
  "settled without waiting": {
    script: `host.hold(); await new Promise((go) => setTimeout(go, 10)); "done"`,
    code: "ok",
    end: () => ({}),
  },
  "failed without waiting": {
    script: `host.hold(); await new Promise((go) => setTimeout(go, 10)); throw 1`,
    code: "guest-error",
    end: () => ({}),
  },
  "run out of memory": {
    script: `host.hold(); await new Promise((go) => setTimeout(go, 10)); const k = []; for (;;) k.push(new Uint8Array(1e6))`,
    code: "memory-exceeded",
    end: () => ({}),
  },
};

/** What the late reply is. */
const REPLIES: Record<string, (held: Pick<Desk["held"][number], "resolve" | "reject">) => void> = {
  "a value": ({ resolve }) => resolve("late"),
  "an error": ({ reject }) => reject(new Error("late")),
  megabytes: ({ resolve }) => resolve(new Uint8Array(8e6)),
  "what cannot cross": ({ resolve }) => resolve(() => 1),
};

/** Waits for its own call of the host, and for anything else that might come. */
const NEXT = `let heard = []; const mine = host.hold(); mine.then((value) => heard.push(value), (error) => heard.push(error.message));
  await new Promise((done) => setTimeout(done, 25)); heard`;

async function lateReply(
  stage: Stage,
  { script, code, end }: (typeof ENDS)[string],
  reply: (typeof REPLIES)[string],
): Promise<unknown> {
  const { pool, desk } = stage;
  const controller = new AbortController();
  const held = desk.nextHeld();
  const options = end(stage, { signal: controller.signal, abort: () => controller.abort() });
  const first = await pool.execute({ eval: script }, { ...options, signal: controller.signal });
  expect(first.ok ? "ok" : first.error.code).toBe(code);
  await held;
  const old = desk.held[0];
  const nextHeld = desk.nextHeld();
  const next = pool.eval(NEXT);
  await nextHeld;
  if (old) reply(old);
  return [await next, old?.signal.aborted];
}

async function settledAfter(pool: Pool): Promise<unknown> {
  return pool.eval(`await host.one("still here")`);
}

export const lateReplies: Family = {
  name: "late replies",
  slow: ["a hundred late replies at once", "a reply after the pool has closed"],
  vectors: [
    ...Object.entries(ENDS).flatMap(([end, how]) =>
      Object.entries(REPLIES)
        .filter(([reply]) => end === "timed out" || reply === "a value")
        .map(([reply, answer]): Vector => ({
          name: `${reply} for a run that has ${end}`,
          act: (stage) => lateReply(stage, how, answer),
          expect: gives([[], true]),
        })),
    ),
    {
      name: "a host function that had its own time limit",
      act: async ({ pool }) => {
        const message = await pool.eval(`await host.quick().catch((e) => e.name)`);
        return [message, await settledAfter(pool)];
      },
      expect: gives(["TimeoutError", "still here"]),
    },
    {
      name: "a reply that comes twice",
      act: async ({ pool, desk }) => {
        const run = pool.eval(`await host.hold()`);
        await desk.nextHeld();
        const [held] = desk.held;
        held?.resolve("first");
        held?.resolve("second");
        held?.reject(new Error("third"));
        return [await run, await settledAfter(pool)];
      },
      expect: gives(["first", "still here"]),
    },
    {
      name: "replies in the wrong order",
      act: async ({ pool, desk }) => {
        const run = pool.eval(
          `const all = [host.hold(), host.hold(), host.hold()]; const order = []; all.forEach((p, n) => p.then((v) => order.push([n, v]))); await Promise.all(all); order`,
        );
        while (desk.held.length < 3) await desk.nextHeld();
        for (const index of [2, 0, 1]) desk.held[index]?.resolve(index);
        return run;
      },
      expect: gives([
        [2, 2],
        [0, 0],
        [1, 1],
      ]),
    },
    {
      name: "a hundred late replies at once",
      act: async ({ pool, desk }) => {
        await Promise.all(
          Array.from({ length: 100 }, () =>
            pool.eval(`host.hold(); await new Promise((go) => setTimeout(go, 50)); 1`),
          ),
        );
        while (desk.held.length < 100) await desk.nextHeld();
        const old = desk.held.splice(0);
        const nextHeld = desk.nextHeld();
        const next = pool.eval(NEXT);
        await nextHeld;
        for (const { resolve } of old) resolve("late");
        return next;
      },
      expect: gives([]),
    },
    {
      name: "a reply after the pool has closed",
      pool: { closeTimeoutMs: 50 },
      act: async ({ desk, terrain }) => {
        const closing = await terrain.createPool({
          environment: terrain.environment,
          engine: terrain.engine,
          workers: 1,
          host: desk.functions,
        });
        const run = closing.execute({ eval: `await host.hold()` });
        await desk.nextHeld();
        await closing.close({ force: true });
        desk.held[0]?.resolve("late");
        const end = await run;
        return end.ok ? "ok" : end.error.code;
      },
      expect: gives("closed"),
    },
    {
      name: "a reply for a run that blocks, after its time",
      skip: ({ threaded, signals }) =>
        threaded && signals
          ? undefined
          : "hostSync cannot block on a promise here, it says so at once",
      act: async ({ pool, desk }) => {
        const held = desk.nextHeld();
        const first = await pool.execute({ eval: `hostSync.hold()` }, { timeoutMs: 60 });
        await held;
        desk.held[0]?.resolve("late");
        return [
          first.ok ? "ok" : first.error.code,
          await pool.eval(`[hostSync.one(1), hostSync.one(2)]`),
        ];
      },
      expect: gives(["timeout", [1, 2]]),
    },
    {
      name: "a timer of the run before",
      act: async ({ pool }) => {
        await pool.eval(`setTimeout(() => { globalThis.left = 1; host.take("late"); }, 5); 1`);
        return pool.eval(`await new Promise((done) => setTimeout(done, 25)); typeof left`);
      },
      expect: (outcome, stage) => {
        gives("undefined")(outcome, stage);
        expect(stage.desk.taken).toEqual([]);
      },
    },
    {
      name: "an abortion after the end",
      act: async ({ pool }) => {
        const controller = new AbortController();
        const first = await pool.eval(`1`, { signal: controller.signal });
        const next = pool.eval(`await new Promise((done) => setTimeout(done, 15)); 2`);
        controller.abort();
        return [first, await next];
      },
      expect: gives([1, 2]),
    },
  ],
};
