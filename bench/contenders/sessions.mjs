// What sessions can do besides running: being forked, saved, restored, put to sleep and woken.
import { createPool } from "../../dist/index.node.js";
import { expect, oneAfterTheOther } from "./workload.mjs";

/** A small session: some functions, and a hundred entries. */
const STATE = `
  globalThis.entries = Array.from({ length: 100 }, (_, id) => ({ id, name: "entry " + id }));
  const total = () => entries.reduce((sum, { id }) => sum + id, 0); 0`;
const TOTAL = 4950;
const SLEEPERS = 20;
/** The least there is. */
const IDLE_MS = 1;

/** @typedef {Awaited<ReturnType<typeof createPool>>} Pool */
/** @typedef {Awaited<ReturnType<Pool["session"]>>} Session */

/** @param {{ way: keyof typeof ways | "many-memory" | "many-wake" }} options */
export async function open({ way }) {
  const pool = await createPool({
    workers: way.startsWith("many") ? 2 : 1,
    functions: {
      save: "(entries) => entries",
      total: "(entries) => entries.reduce((sum, { id }) => sum + id, 0)",
    },
  });
  if (way === "many-memory" || way === "many-wake") {
    return { round: () => many(pool, way), close: () => pool.close({ force: true }) };
  }
  return { round: await ways[way](pool), close: () => pool.close({ force: true }) };
}

/** Each gives the milliseconds that so many took. */
const ways = {
  async call(/** @type {Pool} */ pool) {
    return (/** @type {number} */ count) => oneAfterTheOther(count, () => pool.eval("1"));
  },
  async run(/** @type {Pool} */ pool) {
    const session = await opened(pool, 0);
    return (/** @type {number} */ count) => oneAfterTheOther(count, () => session.eval("1"));
  },
  /** What there is without sessions: the state goes out as data, and in again with the next call. */
  async carried(/** @type {Pool} */ pool) {
    const entries = Array.from({ length: 100 }, (_, id) => ({ id, name: `entry ${id}` }));
    return (/** @type {number} */ count) =>
      oneAfterTheOther(count, async () =>
        expect(await pool.run("total", [await pool.run("save", [entries])]), TOTAL),
      );
  },
  async fork(/** @type {Pool} */ pool) {
    const session = await opened(pool, 0);
    return async (/** @type {number} */ count) => {
      /** @type {Session[]} */
      const twins = [];
      const took = await oneAfterTheOther(count, async () => twins.push(await session.fork()));
      await Promise.all(twins.map((twin) => twin.close()));
      return took;
    };
  },
  async snapshot(/** @type {Pool} */ pool) {
    const session = await opened(pool, 0);
    return (/** @type {number} */ count) => oneAfterTheOther(count, () => session.snapshot());
  },
  async restore(/** @type {Pool} */ pool) {
    const image = await (await opened(pool, 0)).snapshot({ secret: "of the bench" });
    return async (/** @type {number} */ count) => {
      /** @type {Session[]} */
      const sessions = [];
      const took = await oneAfterTheOther(count, async () =>
        sessions.push(await pool.restore(image, { secret: "of the bench", idleMs: 0 })),
      );
      await Promise.all(sessions.map((session) => session.close()));
      return took;
    };
  },
  async hibernate(/** @type {Pool} */ pool) {
    const session = await opened(pool, IDLE_MS);
    return async (/** @type {number} */ count) => {
      let took = 0;
      for (let index = 0; index < count; index++) {
        await session.eval("1");
        const began = performance.now();
        await asleep(pool, session);
        took += Math.max(0, performance.now() - began - IDLE_MS);
      }
      return took;
    };
  },
  async wake(/** @type {Pool} */ pool) {
    const sleepers = await Promise.all(
      Array.from({ length: SLEEPERS }, () => opened(pool, IDLE_MS)),
    );
    return async (/** @type {number} */ count) => {
      let took = 0;
      for (let left = count; left > 0; left -= SLEEPERS) {
        await Promise.all(sleepers.map((session) => asleep(pool, session)));
        for (const session of sleepers.slice(0, left)) {
          const began = performance.now();
          expect(await session.eval("total()"), TOTAL);
          took += performance.now() - began;
        }
      }
      return took;
    };
  },
};

/** A thousand sessions with state, asleep in a pool of two workers. @param {Pool} pool */
async function many(pool, /** @type {"many-memory" | "many-wake"} */ way) {
  /** @type {Session[]} */
  const sessions = [];
  for (let index = 0; index < 1000; index++) sessions.push(await opened(pool, 5));
  await Promise.all(sessions.map((session) => asleep(pool, session)));
  if (way === "many-memory") return residentBytes();
  /** @type {number[]} */
  const waking = [];
  for (const session of sessions) {
    const began = performance.now();
    expect(await session.eval("total()"), TOTAL);
    waking.push(performance.now() - began);
  }
  waking.sort((left, right) => left - right);
  return waking[waking.length / 2] ?? 0;
}

/** @param {Pool} pool @param {number} idleMs */
async function opened(pool, idleMs) {
  const session = await pool.session({ idleMs });
  await session.eval(STATE);
  return session;
}

/** @param {Pool} pool @param {Session} session @returns {Promise<void>} */
function asleep(pool, session) {
  if (session.state === "hibernated") return Promise.resolve();
  return new Promise((resolve) => {
    const off = pool.on("session-hibernated", ({ sessionId }) => {
      if (sessionId !== session.id) return;
      off();
      resolve();
    });
  });
}

/** After a collection, once the threads have come to rest. */
async function residentBytes() {
  for (let index = 0; index < 3; index++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}
