import { createPool } from "skep";
import { afterAll, describe, expect, it } from "vitest";
import { filesContract } from "../contracts/files.ts";
import { MEMORY } from "../contracts/file-backends.ts";

const made: string[] = [];
let last = 0;
function newName(): string {
  const name = `test-${Date.now()}-${++last}`;
  made.push(name);
  return name;
}
afterAll(async () => {
  const root = await navigator.storage.getDirectory();
  for (const name of made) await root.removeEntry(name, { recursive: true });
});

const signals = typeof SharedArrayBuffer !== "undefined";
const common = {
  createPool,
  engine: "sync" as const,
  signals,
  node: false,
  recursionIsCaught: true,
};
const backends = [MEMORY, { name: "opfs", make: async () => ({ opfs: newName() }) }];
filesContract({ ...common, environment: "web-worker", threaded: true }, backends);
filesContract({ ...common, environment: "in-thread", threaded: false }, [MEMORY]);

describe("the origin's storage", () => {
  it("outlives the pool, and is counted again", async () => {
    const files = { backend: { opfs: newName() } };
    {
      await using pool = await createPool({ files });
      await pool.eval(`await fs.mkdir("d"); await fs.writeFile("d/f", "kept")`);
    }
    await using pool = await createPool({ files });
    expect(await pool.eval(`await fs.readFile("d/f", "utf8")`)).toBe("kept");
    expect(pool.files.usage()).toMatchObject({ bytes: 4, files: 2 });
  });

  it("loses no append of two pools at once", async () => {
    const files = { backend: { opfs: newName() } };
    await using first = await createPool({ files, workers: 1 });
    await using second = await createPool({ files, workers: 1 });
    const source = `for (let i = 0; i < 10; i++) await fs.appendFile("log", "x")`;
    await Promise.all([first.eval(source), second.eval(source)]);
    expect(await first.files.readFile("/data/log", "utf8")).toBe("x".repeat(20));
  });
});
