import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "@noble/hashes/sha2.js";
import { SkepError } from "../../../src/errors.ts";
import type { RegistryChange, SessionState } from "../../../src/protocol/control.ts";
import { decodeImage, encodeImage } from "../../../src/pool/session-image.ts";
import { LIMITS } from "./limits-of-runs.ts";

const manifest: RegistryChange = {
  revision: 3,
  define: { functions: [], constants: [], dependencies: [], hosts: ["add"] },
} as unknown as RegistryChange;
const limits = { ...LIMITS, memoryBytes: 2 ** 24 };
const surroundings = { manifest, limits, engineBuild: "scripted" };

function stateWith(bytes: Uint8Array): SessionState {
  return {
    engineBuild: "scripted",
    bytes,
    stretches: [[4096, bytes.length]],
    gaps: [[0, 4096]],
    heapEnd: 4096 + bytes.length,
    maximumPages: 256,
    ballast: { start: 0, end: 0 },
    growthRefused: false,
    anchors: { context: 8, helpers: { runTimer: 16 }, functions: [[1, { name: "f", value: 24 }]] },
    hasTimer: true,
    ageMs: 12.5,
  };
}

const memory = Uint8Array.from({ length: 9_000 }, (_, index) => (index * index) % 251);
const state = stateWith(memory);
const plain = await encodeImage({ state }, surroundings, undefined);
const signed = await encodeImage({ state }, surroundings, "a secret");

async function refusalOf(image: Uint8Array, secret?: string): Promise<SkepError | undefined> {
  try {
    await decodeImage(image, surroundings, secret);
    return undefined;
  } catch (error) {
    if (error instanceof SkepError && error.code === "image-refused") return error;
    throw error;
  }
}

/** An image with this header, its own checksum made anew. */
function forged(change: (header: Record<string, unknown>) => void): Uint8Array {
  const start = plain.indexOf(10) + 2 + 4;
  const view = new DataView(plain.buffer);
  const length = view.getUint32(start - 4);
  const text = new TextDecoder().decode(plain.subarray(start, start + length));
  const header = JSON.parse(text) as Record<string, unknown>;
  change(header);
  const changed = new TextEncoder().encode(JSON.stringify(header));
  const image = new Uint8Array(plain.length + changed.length - length);
  image.set(plain.subarray(0, start));
  new DataView(image.buffer).setUint32(start - 4, changed.length);
  image.set(changed, start);
  image.set(plain.subarray(start + length, -32), start + changed.length);
  image.set(sha256(image.subarray(0, -32)), image.length - 32);
  return image;
}

test("an image gives back what was put in, signed or not", async () => {
  expect((await decodeImage(plain, surroundings, undefined)).state).toEqual(state);
  expect((await decodeImage(signed, surroundings, "a secret")).state).toEqual(state);
  expect((await decodeImage(signed, surroundings, undefined)).state).toEqual(state);
  expect(
    (
      await decodeImage(
        forged(() => {}),
        surroundings,
        undefined,
      )
    ).state,
  ).toEqual(state);
});

describe("damaged images are refused, and nothing else happens:", () => {
  const given = fc.constantFrom(
    { image: plain },
    { image: signed },
    { image: signed, secret: "a secret" },
  );

  test("bytes that changed", async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(given, damage, async ({ image, secret }, changes) => {
        const copy = image.slice();
        for (const [at, bits] of changes) {
          const place = at % copy.length;
          copy[place] = (copy[place] ?? 0) ^ bits;
        }
        fc.pre(copy.some((byte, index) => byte !== image[index]));
        expect(await refusalOf(copy, secret)).toBeDefined();
      }),
      { numRuns: 400 },
    );
  });

  test("bytes that are missing, doubled or not there", async () => {
    await fc.assert(
      fc.asyncProperty(
        given,
        fc.nat(),
        fc.nat(300),
        fc.boolean(),
        async (one, at, count, isCut) => {
          const { image, secret } = one;
          // From the first byte nothing can be doubled.
          const from = 1 + (at % (image.length - 1));
          const rest = image.subarray(isCut ? from + count + 1 : Math.max(0, from - count - 1));
          const copy = Uint8Array.from([...image.subarray(0, from), ...rest]);
          expect(await refusalOf(copy, secret)).toBeDefined();
        },
      ),
      { numRuns: 200 },
    );
  });

  test("headers that say anything, with the right checksum", async () => {
    const keys = ["packedBytes", "bytes", "stretches", "gaps", "anchors", "definitions", "ballast"];
    const key = fc.constantFrom(...keys, "isSigned", "hasTimer", "maximumPages", "engineBuild");
    await fc.assert(
      fc.asyncProperty(key, fc.jsonValue(), async (name, value) => {
        const image = forged((header) => (header[name] = value));
        // Some of it may be as good as what was there; it must not be anything but that or refused.
        await refusalOf(image);
      }),
      { numRuns: 300 },
    );
  });
});

test("an image cannot be unpacked to more than the session may have", async () => {
  const image = forged((header) => {
    header["maximumPages"] = 65_536;
    header["stretches"] = [[0, 2 ** 32]];
    header["gaps"] = [];
    header["bytes"] = 2 ** 32;
  });
  expect((await refusalOf(image))?.message).toContain("more than");
  const short = forged((header) => {
    header["stretches"] = [[4096, 8_000]];
    header["bytes"] = 8_000;
  });
  expect((await refusalOf(short))?.message).toContain("unpacked");
});

test("an unsigned image cannot call itself signed", async () => {
  const image = forged((header) => (header["isSigned"] = true));
  expect(await refusalOf(image, "a secret")).toBeDefined();
  expect((await refusalOf(plain, "a secret"))?.message).toContain("not signed");
  expect((await refusalOf(signed, "another"))?.message).toContain("signature");
});
