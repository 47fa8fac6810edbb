/**
 * Random schedules of define, undefine, call, cancel and kill against a simple model: a call ends
 * once, with what one of the definitions would give that were there while it was under way.
 */
import fc from "fast-check";
import { createPool, type Pool, SkepError } from "skep";
import { expect, test } from "vitest";

const NAMES = ["red", "green", "blue"] as const;
type Name = (typeof NAMES)[number];

type Action =
  | { type: "define"; name: Name }
  | { type: "undefine"; name: Name }
  | { type: "call"; name: Name; slow: boolean; cancel: boolean }
  | { type: "evaluate" }
  | { type: "kill"; worker: number }
  | { type: "breathe" };

const name = fc.constantFrom(...NAMES);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("define" as const), name }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("undefine" as const), name }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("call" as const),
      name,
      slow: fc.boolean(),
      cancel: fc.nat(5).map((chance) => chance === 0),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "evaluate" as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("kill" as const), worker: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.constant({ type: "breathe" as const }) },
);

/** What a name means, and may mean while it changes. 0: nothing. */
class Meaning {
  readonly #history = [0];
  /** Where in the history what it means for certain is. */
  #certain = 0;

  /** It is being changed to this, and may mean either. */
  begin(version: number): number {
    return this.#history.push(version) - 1;
  }

  /** The change is through. */
  finish(at: number): void {
    this.#certain = at;
  }

  /** The change was refused: it is what it was. */
  giveUp(): void {
    const previous = this.#history[this.#certain] ?? 0;
    this.#certain = this.#history.push(previous) - 1;
  }

  get mark(): number {
    return this.#certain;
  }

  /** All it may have meant from a mark on. */
  since(mark: number): number[] {
    return this.#history.slice(mark);
  }
}

async function play(pool: Pool, actions: readonly Action[]): Promise<void> {
  const model = new Map<Name, Meaning>(NAMES.map((known) => [known, new Meaning()]));
  const calls: Promise<void>[] = [];
  const changes = new Map<Name, Promise<void>>();
  let version = 0;

  function change(known: Name, meant: number, apply: () => Promise<unknown>): void {
    // One change of a name after the other; the calls do not wait for any.
    const before = changes.get(known) ?? Promise.resolve();
    const after = before.then(async () => {
      const meaning = model.get(known) ?? new Meaning();
      const at = meaning.begin(meant);
      try {
        await apply();
        meaning.finish(at);
      } catch (error) {
        // Its worker was killed under it: nobody can tell whose fault that was.
        expect((error as SkepError).code).toBe("install-failed");
        meaning.giveUp();
      }
    });
    changes.set(known, after);
  }

  for (const step of actions) {
    if (step.type === "define") {
      const mine = ++version;
      const { name: known } = step;
      const source = `async (slow) => { if (slow) await new Promise((r) => setTimeout(r, 2)); return ${mine}; }`;
      change(known, mine, () => pool.define({ functions: { [known]: source } }));
    } else if (step.type === "undefine") {
      const { name: known } = step;
      change(known, 0, () => pool.undefine({ functions: [known] }));
    } else if (step.type === "call") {
      calls.push(call(pool, model.get(step.name) ?? new Meaning(), step));
    } else if (step.type === "evaluate") {
      calls.push(pool.eval("20 + 22").then((value) => expect(value).toBe(42)));
    } else if (step.type === "kill") {
      const up = pool.health().filter(({ state }) => state === "ready");
      const victim = up[step.worker % Math.max(1, up.length)];
      if (victim) pool.restartWorker(victim.id);
    } else await new Promise((resolve) => setTimeout(resolve));
  }
  await Promise.all([...calls, ...changes.values()]);
}

async function call(
  pool: Pool,
  meaning: Meaning,
  { name: known, slow, cancel }: Extract<Action, { type: "call" }>,
): Promise<void> {
  const { mark } = meaning;
  const controller = new AbortController();
  let settlements = 0;
  const run = pool.execute<number>({ run: known, args: [slow] }, { signal: controller.signal });
  const outcome = run.then((ended) => {
    settlements++;
    return ended;
  });
  if (cancel) controller.abort();
  const ended = await outcome;
  expect(settlements).toBe(1);
  const possible = meaning.since(mark);
  if (ended.ok) {
    expect(possible).toContain(ended.value);
    return;
  }
  expect(ended.error).toBeInstanceOf(SkepError);
  if (ended.error.code === "aborted") expect(cancel).toBe(true);
  else {
    expect(ended.error.code).toBe("unknown-function");
    expect(possible).toContain(0);
  }
}

test.each([
  ["worker-threads", 120],
  ["in-thread", 120],
] as const)(
  "a pool in %s behaves like the model",
  { timeout: 120_000 },
  async (environment, runs) => {
    const pool = await createPool({
      environment,
      workers: 2,
      restart: { maxPerWorker: 1000, baseDelayMs: 1, maxDelayMs: 2, jitterMs: 0 },
    });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
          await pool.undefine({ functions: [...NAMES] });
          await play(pool, actions);
          expect(pool.stats()).toMatchObject({ queued: 0, inFlight: 0 });
        }),
        { numRuns: runs },
      );
    } finally {
      await pool.close({ force: true });
    }
  },
);
