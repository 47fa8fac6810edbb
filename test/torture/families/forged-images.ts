import { SkepError } from "skep";
import { either, gives } from "../expectations.ts";
import { forge, type ForgedHeader, type Forgery } from "../forge.ts";
import { type Family, needsThread, type Stage, type Vector } from "../vector.ts";

const WILD = [0, 3, 64, 131_072, 2 ** 24, 2 ** 31, 2 ** 32 - 1, 2 ** 40];
/** What a session may cost whose memory is anything: its worker is ended for it if need be. */
const LIMITS = { timeoutMs: 300, graceMs: 100 };

/** Restores what was forged and uses it. However that ends, it is refused or a run's own error. */
async function use(stage: Stage, forgery: Forgery): Promise<string> {
  const { pool } = stage;
  const original = await pool.session();
  await original.eval("globalThis.secret = 'x'.repeat(100_000); let k = [1, { k: 2 }]");
  const image = await original.snapshot();
  await original.close();
  try {
    const session = await pool.restore(await forge(image, forgery), { limits: LIMITS });
    for (const source of ["k.length + secret.length", "new Array(2e4).fill(secret).length"]) {
      await session.execute({ eval: source });
    }
    await session.run("probe").catch(expected);
    await session.snapshot().catch(expected);
    await session.close();
  } catch (error) {
    expected(error);
    if ((error as SkepError).code === "image-refused") return "refused";
  }
  return "survived";
}

function expected(error: unknown): void {
  if (!(error instanceof SkepError)) throw error;
}

function forged(
  name: string,
  forgery: Forgery,
  more: Partial<Omit<Vector, "script">> = {},
): Vector {
  return {
    name,
    act: (stage) => use(stage, forgery),
    expect: either(gives("survived"), gives("refused")),
    withinMs: 15_000,
    skip: needsThread,
    ...more,
  };
}

/** Before anything of it is anywhere. */
const REFUSED = { expect: gives("refused"), skip: () => undefined };

function addresses(name: string, set: (header: ForgedHeader, address: number) => void): Vector {
  return {
    name,
    async act(stage) {
      for (const address of WILD) {
        await use(stage, { header: (header) => set(header, address) });
      }
      return "survived";
    },
    expect: gives("survived"),
    withinMs: 60_000,
    slow: true,
    skip: needsThread,
  };
}

/** Numbers that are the same every time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

function scrambled(seed: number): Forgery["memory"] {
  return (memory) => {
    const random = numbers(seed);
    for (let count = 0; count < 200; count++) {
      const at = random.next().value % memory.length;
      memory[at] = random.next().value;
    }
  };
}

export const forgedImages: Family = {
  name: "forged images",
  vectors: [
    addresses("a context anywhere", ({ anchors }, at) => (anchors["context"] = at)),
    addresses("helpers anywhere", ({ anchors: { helpers } }, at) => {
      for (const name of Object.keys(helpers)) helpers[name] = at;
    }),
    addresses("functions anywhere", ({ anchors }, at) => {
      for (const [, anchor] of anchors.functions) anchor.value = at;
    }),
    addresses("everything anywhere", ({ anchors }, at) => {
      for (const name of Object.keys(anchors)) {
        if (typeof anchors[name] === "number") anchors[name] = at;
      }
    }),
    addresses("a heap that ends anywhere", (header, at) => (header.heapEnd = at)),
    addresses("a ballast anywhere", (header, at) => (header.ballast = { start: at, end: 2 * at })),
    forged("no anchors at all", {
      header: (header) => (header.anchors = { helpers: {}, functions: [] }),
    }),
    forged(
      "as many pages as there are",
      { header: (header) => (header.maximumPages = 65_536) },
      REFUSED,
    ),
    forged(
      "more pages than there are",
      { header: (header) => (header.maximumPages = 2 ** 40) },
      REFUSED,
    ),
    forged("stretches behind the end", {
      header: (header) => {
        header.maximumPages = 300;
        header.stretches = header.stretches.map(([start, length], index, all) =>
          index === all.length - 1 ? [300 * 65_536 - length, length] : [start, length],
        );
      },
    }),
    forged("gaps over everything", { header: (header) => (header.gaps = [[0, 2 ** 20]]) }),
    forged("a memory of ones", { memory: (memory) => memory.fill(255) }),
    forged("a memory of zeros", { memory: (memory) => memory.fill(0) }),
    ...[1, 2, 3, 4].map((seed) =>
      forged(
        `a few bytes of the memory changed, ${seed}`,
        { memory: scrambled(seed) ?? (() => {}) },
        { slow: true },
      ),
    ),
    {
      name: "an image without the secret",
      async act({ pool }) {
        const session = await pool.session();
        const unsigned = await forge(await session.snapshot(), {});
        const signed = await session.snapshot({ secret: "right" });
        await session.close();
        const codes: string[] = [];
        for (const image of [unsigned, signed]) {
          try {
            await pool.restore(image, { secret: "guessed" });
          } catch (error) {
            codes.push((error as SkepError).code);
          }
        }
        return codes;
      },
      expect: gives(["image-refused", "image-refused"]),
    },
  ],
};
