import type { Pool, PoolEvents } from "skep";
import { expect } from "vitest";
import type { Family, Stage, Vector } from "../vector.ts";
import { givesWhat } from "../expectations.ts";

type Line = PoolEvents["console"];

interface Heard {
  lines: Line[];
  end: string;
}

/** The lines one script writes. */
async function listen(pool: Pool, script: string, timeoutMs: number): Promise<Heard> {
  const lines: Line[] = [];
  const stop = pool.on("console", (line) => lines.push(line));
  try {
    const end = await pool.execute({ eval: script }, { timeoutMs });
    return { lines, end: end.ok ? "ok" : end.error.code };
  } finally {
    stop();
  }
}

const bytesOf = (lines: Line[]): number => lines.reduce((sum, { text }) => sum + text.length, 0);

function flood(
  name: string,
  script: string,
  look: (heard: Heard) => void,
  timeoutMs = 4_500,
): Vector {
  return {
    name,
    act: ({ pool }: Stage) => listen(pool, script, timeoutMs),
    expect: givesWhat(look),
  };
}

/** The cap, and one notice. */
function isCut({ lines, end }: Heard): void {
  expect(end).toBe("ok");
  expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
  expect(lines.filter(({ text }) => /is cut|takes more than/.test(text))).toHaveLength(1);
}

const oneLine =
  (pattern: RegExp) =>
  ({ lines }: Heard): void => {
    expect(lines).toHaveLength(1);
    expect(lines[0]?.text).toMatch(pattern);
  };

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

export const logFlood: Family = {
  name: "log flood",
  slow: ["short lines", "all levels", "a cap for each run, not for all"],
  vectors: [
    flood("short lines", `for (let i = 0; i < 2e5; i++) console.log("x"); 1`, isCut),
    flood(
      "lines of ten kilobytes",
      `const s = "x".repeat(1e4); for (let i = 0; i < 1000; i++) console.log(s); 1`,
      isCut,
    ),
    flood("one line of megabytes", `console.log("x".repeat(8e6)); 1`, isCut),
    flood(
      "one line of a rope that would be half a gigabyte",
      `let s = "x".repeat(2 ** 20); for (let i = 0; i < 9; i++) s += s; console.log(s); 1`,
      isCut,
    ),
    flood(
      "all levels",
      `for (let i = 0; i < 5e4; i++) for (const level of ["debug", "log", "info", "warn", "error"]) console[level]("xxxxxxxxxx"); 1`,
      isCut,
    ),
    flood(
      "a line without an end, endlessly",
      `for (;;) console.log("x")`,
      ({ lines, end }) => {
        expect(end).toBe("timeout");
        expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
      },
      100,
    ),
    flood(
      "lines in a storm of microtasks",
      `const f = () => { console.log("storm"); return Promise.resolve().then(f); }; await f()`,
      ({ lines, end }) => {
        expect(end).toBe("timeout");
        expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
      },
      100,
    ),
    flood(
      "escape sequences",
      `console.log("\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u0008\\u007f\\r"); 1`,
      ({ lines }) => {
        expect(lines[0]?.text).not.toMatch(CONTROL);
        expect(lines[0]?.text).toContain("2J");
      },
    ),
    flood(
      "escape sequences in objects, names and errors",
      `const bad = "\\u001b[2J"; console.log({ [bad]: bad }, [bad], new Map([[bad, bad]]), Object.assign(new Error(bad), { name: bad }), Symbol(bad)); console.group(bad); console.table([{ [bad]: bad }]); console.count(bad); console.time(bad); console.timeEnd(bad); console.assert(false, bad); console.dir(bad); console.trace(bad); 1`,
      ({ lines }) => {
        expect(lines.length).toBeGreaterThan(5);
        for (const { text } of lines) expect(text).not.toMatch(CONTROL);
      },
    ),
    flood(
      "a second line made of a line's end",
      `console.log("one\\nERROR forged\\r\\nERROR forged\\u2028ERROR\\u0085ERROR"); 1`,
      ({ lines }) => {
        expect(lines).toHaveLength(1);
        expect(lines[0]?.text).not.toMatch(/[\r\u0085]/);
      },
    ),
    flood("text that turns around", `console.log("\\u202egnp.exe\\u2066\\u200f"); 1`, ({ lines }) =>
      expect(lines).toHaveLength(1),
    ),
    flood(
      "a structure a hundred thousand deep",
      `let v = 1; for (let i = 0; i < 1e5; i++) v = [v]; console.log(v); 1`,
      oneLine(/nested more than/),
    ),
    flood("a cycle", `const o = {}; o.o = o; console.log(o); 1`, oneLine(/ircular/)),
    flood(
      "an array of four thousand million holes",
      `const a = []; a.length = 2 ** 32 - 1; console.log(a); 1`,
      oneLine(/4294967295|items/),
    ),
    flood(
      "a table of what is too large",
      `const a = []; a.length = 2 ** 32 - 1; console.table(a); console.table(Array.from({ length: 5e3 }, () => ({ a: 1 }))); 1`,
      ({ end, lines }) => {
        expect(end).toBe("ok");
        expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
      },
    ),
    flood(
      "a table of a thousand columns",
      `console.table(Array.from({ length: 300 }, (_, n) => ({ ["column" + n]: n }))); 1`,
      ({ end, lines }) => {
        expect(end).toBe("ok");
        expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
      },
    ),
    flood(
      "groups without an end",
      `for (let i = 0; i < 1e5; i++) console.group(); console.log("deep"); 1`,
      ({ lines }) => expect(lines.at(-1)?.text.length).toBeLessThan(1_000),
    ),
    flood(
      "a hundred thousand arguments",
      `console.log(...new Array(2e4).fill(1)); 1`,
      ({ lines }) => expect(lines).toHaveLength(1),
    ),
    flood(
      "a format that expands",
      `console.log("%s".repeat(100) + "%o%O%d%i%f%j%c%%", ...new Array(100).fill("x".repeat(1000))); 1`,
      ({ lines }) => expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20),
    ),
    flood(
      "formats that would run the guest",
      `globalThis.ran = 0; console.log("%s %d %i %f %o %O", { toString() { ran++; } }, { valueOf() { ran++; } }, { [Symbol.toPrimitive]() { ran++; } }, { get x() { ran++; } }, new Proxy({}, { get() { ran++; }, ownKeys() { ran++; return []; } })); if (ran) throw ran; 1`,
      ({ end }) => expect(end).toBe("ok"),
    ),
    flood(
      "an error with a stack of megabytes",
      `const e = new Error("x".repeat(1e6)); e.stack = "y".repeat(1e6); console.error(e); 1`,
      ({ lines }) => expect(bytesOf(lines)).toBeLessThan(2 ** 20),
    ),
    flood("a BigInt of a million bits", `console.log(2n ** 1000000n); 1`, ({ lines, end }) => {
      expect(end).toBe("ok");
      expect(lines).toHaveLength(1);
    }),
    flood(
      "labels of megabytes",
      `console.count("x".repeat(1e6)); console.time("y".repeat(1e6)); console.timeEnd("y".repeat(1e6)); 1`,
      ({ lines, end }) => {
        expect(end).toBe("ok");
        expect(bytesOf(lines)).toBeLessThan(2.5 * 2 ** 20);
      },
    ),
    flood(
      "labels that are names of prototypes",
      `for (const name of ["__proto__", "constructor", "toString"]) { console.count(name); console.countReset(name); console.time(name); console.timeLog(name); console.timeEnd(name); } 1`,
      ({ end }) => expect(end).toBe("ok"),
    ),
    flood(
      "an expression the platform may not know",
      `console.log(/(?<a>.)|(?<a>.)/, /(?i:a)/); 1`,
      ({ lines, end }) => {
        expect(end).toBe("ok");
        expect(lines).toHaveLength(1);
      },
    ),
    flood(
      "a label that throws",
      `try { console.count({ toString() { throw new Error("label"); } }); } catch (e) { e.message }`,
      ({ end }) => expect(end).toBe("ok"),
    ),
    flood(
      "lines after the run's end",
      `setTimeout(() => console.log("late"), 1); Promise.resolve().then(() => console.log("soon")); 1`,
      ({ lines }) => expect(lines.map(({ text }) => text)).not.toContain("late"),
    ),
    {
      name: "a listener that throws at every line",
      act: async ({ pool }) => {
        const stop = pool.on("console", () => {
          throw new Error("listener");
        });
        try {
          return await pool.eval(`for (let i = 0; i < 100; i++) console.log(i); "done"`);
        } finally {
          stop();
        }
      },
      expect: givesWhat((said) => expect(said).toBe("done")),
    },
    {
      name: "a cap for each run, not for all",
      act: async ({ pool }) => {
        await listen(pool, `for (let i = 0; i < 3e5; i++) console.log("xxxxxxxx"); 1`, 3_000);
        return listen(pool, `console.log("heard"); 1`, 1_000);
      },
      expect: givesWhat(({ lines }: Heard) =>
        expect(lines.map(({ text }) => text)).toEqual(["heard"]),
      ),
    },
  ],
};
