import fc from "fast-check";
import { expect, test } from "vitest";
import { SkepError } from "../../../src/errors.ts";
import { settle } from "./fake-clock.ts";
import type { RunMessage, Script, ScriptedWorker } from "./scripted-environment.ts";
import { stage } from "./stage.ts";

/** What may happen next; `pick` chooses among what there is. */
const incident = fc.record({
  type: fc.constantFrom(
    ...(["submit", "submit", "submit", "answer", "answer", "answer", "answer", "fail"] as const),
    ...(["park", "crash", "garbage", "abort", "define", "undefine", "wait", "grow"] as const),
  ),
  pick: fc.nat(1_000),
});

interface Submission {
  value: number;
  settlements: unknown[];
  controller: AbortController;
}

/** The arguments carry the value that a worker must answer with. */
function valueIn(run: RunMessage): number {
  if (run.type === "run-source") throw new Error("These tests evaluate nothing.");
  // One argument in the short form: two bytes of header, then the 32-bit number.
  const { bytes } = run.args;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(2, true);
}

for (const withSignals of [true, false]) {
  const how = withSignals ? "with" : "without";
  test(`every accepted run settles exactly once and right, ${how} a signal block`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(incident, { maxLength: 60, size: "max" }), async (incidents) => {
        const open = new Map<RunMessage, ScriptedWorker>();
        const script: Script = {
          onRun: (worker, run) => open.set(run, worker),
          onCancel: (worker, runId) => {
            for (const [run, owner] of open) {
              if (owner === worker && run.runId === runId) {
                open.delete(run);
                worker.fail(run, "aborted");
              }
            }
          },
        };
        const { pool, environment, clock } = await stage(
          script,
          {
            workers: 3,
            functions: { echo: "(value) => value", other: "() => 0" },
            recycle: { afterRuns: 2, aboveMemoryBytes: 3_500 },
            memory: { maxBytes: 4_000 },
            restart: { maxPerWorker: 1_000, maxAttemptsPerRun: 1_000, baseDelayMs: 5 },
          },
          withSignals,
        );
        const submissions: Submission[] = [];
        const definitions: Promise<unknown>[] = [];

        function alive(): [RunMessage, ScriptedWorker][] {
          return [...open].filter(([, worker]) => !worker.isTerminated);
        }
        function submit(): void {
          const submission: Submission = {
            value: submissions.length,
            settlements: [],
            controller: new AbortController(),
          };
          submissions.push(submission);
          const { signal } = submission.controller;
          const priority = submission.value % 3;
          const key = submission.value % 5 === 0 ? undefined : `key ${submission.value % 4}`;
          pool.run("echo", [submission.value], { signal, priority, key }).then(
            (value) => submission.settlements.push(value),
            (error: unknown) => submission.settlements.push(error),
          );
        }
        function act(
          type: (typeof incident extends fc.Arbitrary<infer T> ? T : never)["type"],
          pick: number,
        ): void {
          const runs = alive();
          const [run, worker] = runs[pick % Math.max(runs.length, 1)] ?? [];
          const workers = environment.workers.filter((candidate) => !candidate.isTerminated);
          const victim = workers[pick % Math.max(workers.length, 1)];
          if (type === "submit") submit();
          else if (type === "abort")
            submissions[pick % Math.max(submissions.length, 1)]?.controller.abort();
          else if (type === "crash") victim?.crash();
          else if (type === "grow" && victim !== undefined) victim.usedBytes = pick * 4;
          else if (type === "garbage") victim?.sendRaw(250, pick % 256);
          else if (type === "define") definitions.push(pool.define({ constants: { C: pick } }));
          else if (type === "undefine") definitions.push(pool.undefine({ constants: ["C"] }));
          else if (run !== undefined && worker !== undefined) {
            if (type === "park") worker.send({ type: "parked", runId: run.runId });
            if (type !== "answer" && type !== "fail") return;
            open.delete(run);
            if (type === "answer") worker.succeed(run, valueIn(run));
            else worker.fail(run, "memory-exceeded");
          }
        }

        for (const { type, pick } of incidents) {
          act(type, pick);
          if (type === "wait") await clock.advance(pick / 2);
          else if (pick % 3 === 0) await settle();
        }
        // Afterwards everything works again, and what is left is answered.
        for (let round = 0; round < 200; round++) {
          await clock.advance(10);
          for (const [run, worker] of alive()) {
            open.delete(run);
            worker.succeed(run, valueIn(run));
          }
          if (submissions.every(({ settlements }) => settlements.length > 0)) break;
        }
        await Promise.allSettled(definitions);
        await settle();
        for (const { value, settlements, controller } of submissions) {
          expect(settlements).toHaveLength(1);
          const [settlement] = settlements;
          if (settlement instanceof SkepError) {
            expect(["memory-exceeded", "aborted"]).toContain(settlement.code);
            if (settlement.code === "aborted") expect(controller.signal.aborted).toBe(true);
          } else {
            expect(settlement).toBe(value);
          }
        }
        expect(pool.stats()).toMatchObject({ queued: 0, inFlight: 0 });
        expect(pool.health().every(({ pending }) => pending === 0)).toBe(true);
        await pool.close();
        await settle();
        expect(environment.workers.filter(({ isTerminated }) => !isTerminated)).toEqual([]);
        expect(clock.pendingCount).toBe(0);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
}
