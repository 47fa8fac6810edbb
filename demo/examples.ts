/** What the editor offers to start from. Each is one function; it gets the number of its call. */
export interface Example {
  id: string;
  label: string;
  hostile: boolean;
  source: string;
}

export const examples: readonly Example[] = [
  {
    id: "add",
    label: "Add",
    hostile: false,
    source: `// One function. It gets the number of its call, from 1 up,
// and a sandbox that nobody has used before.
function add(n) {
  return n + 1;
}
`,
  },
  {
    id: "sieve",
    label: "Prime sieve",
    hostile: false,
    source: `// Counts primes: work for the processor, spread over the workers.
function sieve(n) {
  const limit = 20_000 + n;
  const composite = new Uint8Array(limit);
  let primes = 0;
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    primes++;
    for (let j = i * i; j < limit; j += i) composite[j] = 1;
  }
  return { limit, primes };
}
`,
  },
  {
    id: "timers",
    label: "Async timers",
    hostile: false,
    source: `// A call that waits lets others run in the same worker.
async function nap(n) {
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const pauses = [];
  for (let i = 0; i < 3; i++) {
    const ms = 5 + Math.floor(Math.random() * 60);
    await sleep(ms);
    pauses.push(ms);
  }
  return { n, pauses };
}
`,
  },
  {
    id: "values",
    label: "Console and values",
    hostile: false,
    source: `// What structured clone knows crosses the wall; markup stays text.
function values(n) {
  console.log("call", n, "<img src=x onerror=alert(1)>");
  console.info({ nested: [1, 2, { deep: true }] });
  console.warn("careful", new Date(0));
  console.error(new RangeError("only logged"));
  return new Map([
    ["big", 2n ** 64n],
    ["set", new Set([n, -0, undefined])],
    ["bytes", new Uint8Array([1, 2, 3])],
    ["when", new Date(0)],
  ]);
}
`,
  },
  {
    id: "state",
    label: "Nothing is left behind",
    hostile: false,
    source: `// Always 1: each call has globals of its own. Set "Sandbox" to
// "one per worker" and see it count.
function visit() {
  globalThis.visits = (globalThis.visits ?? 0) + 1;
  return globalThis.visits;
}
`,
  },
  {
    id: "loop",
    label: "Endless loop",
    hostile: true,
    source: `// Ends at the time limit.
function loop() {
  while (true) {}
}
`,
  },
  {
    id: "bomb",
    label: "Memory bomb",
    hostile: true,
    source: `// Ends at the memory limit, which is the sandbox's own.
function bomb() {
  const hoard = [];
  while (true) hoard.push(new Uint8Array(1 << 20));
}
`,
  },
  {
    id: "recursion",
    label: "Deep recursion",
    hostile: true,
    source: `// Ends where the sandbox's stack does.
function dive(n) {
  return dive(n + 1) + 1;
}
`,
  },
  {
    id: "throwing",
    label: "Throwing",
    hostile: true,
    source: `// Every third call fails, with a stack of the guest's frames only.
function moody(n) {
  function check(value) {
    if (value % 3 === 0) {
      throw Object.assign(new RangeError("No multiples of 3"), { n: value });
    }
    return value;
  }
  return check(n === 1 ? 3 : n);
}
`,
  },
  {
    id: "escape",
    label: "Looking for a way out",
    hostile: true,
    source: `// Reaches for the host, and finds its own sandbox.
function escape() {
  const realm = (() => {}).constructor("return globalThis")();
  Object.prototype.poisoned = true;
  const wanted = ["window", "document", "process", "require", "fetch"];
  return {
    escaped: realm !== globalThis,
    found: wanted.filter((name) => name in realm),
  };
}
`,
  },
];
