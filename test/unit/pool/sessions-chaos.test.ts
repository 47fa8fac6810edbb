import fc from "fast-check";
import { expect, test } from "vitest";
import { SkepError } from "../../../src/errors.ts";
import type { Session } from "../../../src/pool/session.ts";
import { type FakeClock, settle } from "./fake-clock.ts";
import { SessionWorkers } from "./session-workers.ts";
import { stage } from "./stage.ts";

/** What may happen next; `pick` chooses among what there is. */
const incident = fc.record({
  type: fc.constantFrom(
    ...(["run", "run", "run", "run", "answer", "answer", "answer", "open", "fork"] as const),
    ...(["snapshot", "close", "abort", "idle", "crash", "slow", "release", "define"] as const),
  ),
  pick: fc.nat(1_000),
});

interface Known {
  session: Session;
  hasCheckpoints: boolean;
  /** What it had when it was forked. */
  inherited: Promise<readonly number[]>;
  runs: { value: number; controller: AbortController; result: Promise<unknown> }[];
}

const ENDS = ["closed", "aborted", "session-ended", "worker-lost"];

function codeOf(error: unknown): string {
  expect(error).toBeInstanceOf(SkepError);
  return (error as SkepError).code;
}

/** The numbers of those runs that count. */
async function applied(
  runs: readonly Pick<Known["runs"][0], "value" | "result">[],
): Promise<number[]> {
  const results = await Promise.all(runs.map(({ result }) => result));
  return runs.flatMap(({ value }, index) => (typeof results[index] === "number" ? [value] : []));
}

/** Answers whatever comes, and lets time pass, until the promise is settled. */
async function answering<Value>(
  workers: SessionWorkers,
  clock: FakeClock,
  promise: Promise<Value>,
): Promise<Value> {
  const progress = { isOver: false };
  const end = (): void => void (progress.isOver = true);
  promise.then(end, end);
  const latest = performance.now() + 10_000;
  while (!progress.isOver) {
    // States are compressed in other threads, which takes as long as it takes.
    if (performance.now() > latest) throw new Error("It never came to an end.");
    for (const run of workers.runs.keys()) workers.answer(run);
    await clock.advance(10);
  }
  return promise;
}

test("every run of a session counts once, in order, or is said not to", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(incident, { maxLength: 50, size: "max" }), async (incidents) => {
      const workers = new SessionWorkers();
      const { pool, environment, clock } = await stage(workers.script, {
        workers: 2,
        functions: { add: "(n) => 0" },
        recycle: { afterRuns: 4 },
        restart: { maxPerWorker: 1_000, maxAttemptsPerRun: 1_000, baseDelayMs: 5 },
      });
      let isBehind = false;
      pool.on("warning", ({ name }) => (isBehind ||= name === "checkpoint-failed"));
      const known: Known[] = [];
      const others: Promise<unknown>[] = [];
      let lastValue = 0;

      function keep(opening: Promise<Session>, hasCheckpoints: boolean, from?: Known): void {
        const before = from?.runs.map(({ value, result }) => ({ value, result })) ?? [];
        const inherited = Promise.all([from?.inherited ?? [], applied(before)]);
        const kept = opening.then(
          (session) =>
            void known.push({
              session,
              hasCheckpoints,
              inherited: inherited.then((lists) => lists.flat()),
              runs: [],
            }),
          (error: unknown) => expect(codeOf(error)).toBeOneOf(ENDS),
        );
        others.push(kept);
      }
      function act(
        type: (typeof incident extends fc.Arbitrary<infer T> ? T : never)["type"],
        pick: number,
      ): void {
        const one = known[pick % Math.max(known.length, 1)];
        const [message] = [...workers.runs.keys()].slice(pick % Math.max(workers.runs.size, 1));
        const alive = environment.workers.filter(({ isTerminated }) => !isTerminated);
        if (type === "open") {
          const hasCheckpoints = pick % 4 !== 0;
          const checkpoint = hasCheckpoints ? "each-run" : "never";
          keep(pool.session({ checkpoint, idleMs: pick % 3 === 0 ? 0 : 50 }), hasCheckpoints);
        } else if (type === "answer" && message !== undefined) workers.answer(message);
        else if (type === "crash") alive[pick % Math.max(alive.length, 1)]?.crash();
        else if (type === "slow") workers.isSlow = true;
        else if (type === "release") {
          workers.isSlow = false;
          workers.release();
        } else if (type === "define")
          others.push(pool.define({ constants: { C: pick } }).catch(() => {}));
        else if (one === undefined) return;
        else if (type === "run") {
          const value = ++lastValue;
          const controller = new AbortController();
          const { signal } = controller;
          const result = one.session
            .run("add", [value], { signal })
            .catch((error: unknown) => codeOf(error));
          one.runs.push({ value, controller, result });
        } else if (type === "fork") keep(one.session.fork(), one.hasCheckpoints, one);
        else if (type === "snapshot") {
          const image = one.session.snapshot();
          others.push(image.catch((error: unknown) => expect(codeOf(error)).toBeOneOf(ENDS)));
        } else if (type === "close") others.push(one.session.close());
        else if (type === "abort") one.runs.at(-1 - (pick % 3))?.controller.abort();
      }

      act("open", 1);
      for (const { type, pick } of incidents) {
        act(type, pick);
        if (type === "idle") await clock.advance(pick);
        else if (pick % 2 === 0) await settle();
      }
      workers.isSlow = false;
      workers.release();
      // Afterwards everything works again, and what is left is answered.
      const rest = (async () => {
        await Promise.all(others);
        return Promise.all(known.flatMap(({ runs }) => runs.map(({ result }) => result)));
      })();
      await answering(workers, clock, rest);
      for (const { session, inherited, runs } of known) {
        const expected = [...(await inherited), ...(await applied(runs))];
        for (const { result, controller } of runs) {
          const code = await result;
          if (typeof code !== "string") continue;
          expect(code).toBeOneOf(ENDS);
          if (code === "aborted") expect(controller.signal.aborted).toBe(true);
        }
        if (session.state === "ended") continue;
        expect(await answering(workers, clock, session.run("add", [0]))).toBeGreaterThan(0);
        const found = workers.seen.get(session.id)?.slice(0, -1) ?? [];
        // Nothing counts that is not to, or twice, or in another order.
        expect(found).toEqual(expected.filter((value) => found.includes(value)));
        // Only where a checkpoint could not be taken, which is said, something may be missing.
        if (!isBehind) expect(found).toEqual(expected);
      }
      await answering(workers, clock, Promise.all(known.map(({ session }) => session.close())));
      expect(pool.stats()).toMatchObject({ queued: 0, inFlight: 0 });
      expect(pool.stats().sessions).toEqual({ active: 0, hibernated: 0 });
      for (const worker of environment.workers) {
        if (!worker.isTerminated) expect(workers.of(worker).size).toBe(0);
      }
      await pool.close();
      await settle();
      expect(environment.workers.filter(({ isTerminated }) => !isTerminated)).toEqual([]);
      expect(clock.pendingCount).toBe(0);
    }),
    { numRuns: 80 },
  );
}, 60_000);
