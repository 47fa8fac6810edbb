// What all contenders run, so that they run the same.

/** The trivial call: what is left is the cost of calling. */
export const ADD = "(left, right) => left + right";

/**
 * `inFlight` callers, each with one call at a time, until `count` calls are done.
 *
 * @param {number} count
 * @param {number} inFlight
 * @param {() => PromiseLike<unknown>} call
 * @returns {Promise<number>} milliseconds
 */
export async function callsInFlight(count, inFlight, call) {
  let left = count;
  const caller = async () => {
    while (left > 0) {
      left--;
      await call();
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, caller));
  return performance.now() - began;
}

/**
 * @param {number} count
 * @param {() => unknown} act
 * @returns {Promise<number>} milliseconds
 */
export async function oneAfterTheOther(count, act) {
  const began = performance.now();
  for (let index = 0; index < count; index++) await act();
  return performance.now() - began;
}

/**
 * The same without ever giving up the thread, for what needs no promise.
 *
 * @param {number} count
 * @param {() => unknown} act
 * @returns {number} milliseconds
 */
export function synchronously(count, act) {
  const began = performance.now();
  for (let index = 0; index < count; index++) act();
  return performance.now() - began;
}

/** Fails loudly: a contender that computes something else measures nothing. */
export function expect(/** @type {unknown} */ actual, /** @type {unknown} */ expected) {
  if (actual !== expected) throw new Error(`Expected ${String(expected)}, got ${String(actual)}.`);
}

/** JSON-like data of the usual kind, 0.9 MB as text: source of a function. */
export const MAKE_CUSTOMERS = `() => {
  const customers = [];
  for (let index = 0; index < 4_000; index++) {
    customers.push({
      id: index,
      name: "customer number " + index,
      email: "user" + index + "@example.com",
      active: index % 3 === 0,
      score: index * 1.37,
      tags: ["alpha", "beta" + (index % 10), "gamma"],
      address: { street: index + " Main Street", city: "Springfield", zip: String(10_000 + index) },
      note: null,
    });
  }
  return { customers, total: customers.length };
}`;

/** The same for the host. @returns {object} */
// oxlint-disable-next-line no-eval -- the source above is ours
export const makeCustomers = () => (0, eval)(`(${MAKE_CUSTOMERS})`)();

/** Returns a number, whatever it is called with. */
export const IGNORE = "(...args) => 1";

/** Programs that keep the engine busy for about a tenth of a second: source of a function. */
export const PROGRAMS = {
  sieve: `() => {
    const size = 400_000;
    const composite = new Uint8Array(size + 1);
    let primes = 0;
    for (let number = 2; number <= size; number++) {
      if (composite[number]) continue;
      primes++;
      for (let multiple = number * number; multiple <= size; multiple += number) composite[multiple] = 1;
    }
    return primes;
  }`,
  nbody: `() => {
    const bodies = [];
    for (let index = 0; index < 5; index++) {
      bodies.push({ x: index * 1.7, y: index * 0.9 + 1, z: 2 - index * 0.4, vx: 0.1 * index, vy: 0.3, vz: -0.2, mass: 1 + index });
    }
    for (let step = 0; step < 4_000; step++) {
      for (let left = 0; left < bodies.length; left++) {
        const a = bodies[left];
        for (let right = left + 1; right < bodies.length; right++) {
          const b = bodies[right];
          const dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
          const squared = dx * dx + dy * dy + dz * dz + 0.01;
          const magnitude = 0.001 / (squared * Math.sqrt(squared));
          a.vx -= dx * b.mass * magnitude; a.vy -= dy * b.mass * magnitude; a.vz -= dz * b.mass * magnitude;
          b.vx += dx * a.mass * magnitude; b.vy += dy * a.mass * magnitude; b.vz += dz * a.mass * magnitude;
        }
      }
      for (const body of bodies) { body.x += 0.001 * body.vx; body.y += 0.001 * body.vy; body.z += 0.001 * body.vz; }
    }
    return bodies.length;
  }`,
  text: `() => {
    let total = 0;
    for (let round = 0; round < 30; round++) {
      const words = [];
      for (let index = 0; index < 2_000; index++) words.push("word" + (index * 7919 % 1000));
      const counts = new Map();
      for (const word of words.join(" ").split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
      let text = "";
      for (const [word, count] of counts) text += word + ":" + count + ";";
      total += JSON.parse(JSON.stringify({ text })).text.length;
    }
    return total;
  }`,
};
