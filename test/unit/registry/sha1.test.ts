import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha1 } from "../../../src/registry/sha1.ts";

function expected(text: string): string {
  return createHash("sha1").update(text, "utf8").digest("hex");
}

test("the examples of the standard", () => {
  expect(sha1("abc")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  expect(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  );
});

test("every length around the ends of blocks", () => {
  for (let length = 0; length <= 200; length++) {
    const text = "é".repeat(length >> 1) + "x".repeat(length & 1);
    expect(sha1(text), `${length} bytes`).toBe(expected(text));
  }
});

test("any text, as Node hashes it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
      expect(sha1(text)).toBe(expected(text));
    }),
  );
});
