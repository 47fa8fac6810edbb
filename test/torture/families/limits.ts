import { failsWith, gives } from "../expectations.ts";
import type { Family } from "../vector.ts";

const MEBIBYTE = 2 ** 20;

/** One vector or more for each limit there is: it holds, it says so, and only for its own run. */
export const limits: Family = {
  name: "limits",
  vectors: [
    {
      name: "wall time, while the guest computes",
      script: `for (;;);`,
      limits: { timeoutMs: 50 },
      expect: failsWith("timeout", /50 ms/),
    },
    {
      name: "wall time, while the guest waits",
      script: `await new Promise((done) => setTimeout(done, 10_000))`,
      limits: { timeoutMs: 50 },
      expect: failsWith("timeout", /50 ms/),
    },
    {
      name: "a run's memory below the pool's",
      script: `new Uint8Array(6 * 2 ** 20).length`,
      limits: { memoryBytes: 4 * MEBIBYTE },
      expect: failsWith("memory-exceeded", /4194304 bytes/),
    },
    {
      name: "a run's memory above the pool's",
      script: `new Uint8Array(24 * 2 ** 20).length`,
      limits: { memoryBytes: 48 * MEBIBYTE },
      expect: gives(24 * MEBIBYTE),
    },
    {
      name: "the pool's memory for the run after one that had more",
      act: async ({ pool }) => {
        const script = `new Uint8Array(24 * 2 ** 20).length`;
        await pool.eval(script, { memoryBytes: 48 * MEBIBYTE });
        return pool.eval(script);
      },
      expect: failsWith("memory-exceeded", /16777216 bytes/),
    },
    {
      name: "bytes of a result",
      script: `new Array(100).fill("x".repeat(2 ** 20))`,
      expect: failsWith("output-exceeded", /67108864 bytes/),
    },
    {
      name: "levels of a result",
      script: `let v = 1; for (let i = 0; i < 502; i++) v = [v]; v`,
      expect: failsWith("output-exceeded", /500 levels/),
    },
    {
      name: "levels of an argument",
      act: ({ pool }) => {
        let value: unknown = 1;
        for (let level = 0; level < 502; level++) value = [value];
        return pool.run("probe", [value]);
      },
      expect: failsWith("not-marshallable", /500 levels/),
    },
  ],
};
