import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseIntegrity } from "../../../src/dependencies/integrity-expression.ts";
import { integrityFailure } from "../../../src/dependencies/integrity.ts";

const bytes = new TextEncoder().encode("export {}");
const sri = (algorithm: string, data = bytes) =>
  `${algorithm}-${createHash(algorithm).update(data).digest("base64")}`;
const other = (algorithm: string) => sri(algorithm, new Uint8Array(3));

function accepts(integrity: string): boolean | undefined {
  const expected = parseIntegrity(integrity);
  return expected && integrityFailure(bytes, expected) === undefined;
}

describe("integrity", () => {
  it.each(["sha256", "sha384", "sha512"])("%s", (algorithm) => {
    expect(accepts(sri(algorithm))).toBe(true);
    expect(accepts(other(algorithm))).toBe(false);
    expect(accepts(`${other(algorithm)}  ${sri(algorithm)}?option`)).toBe(true);
  });

  it("the strongest counts", () => {
    expect(accepts(`${sri("sha256")} ${other("sha512")}`)).toBe(false);
    expect(accepts(`${other("sha256")} ${sri("sha512")}`)).toBe(true);
  });

  it("takes base64 for URLs and without padding", () => {
    expect(accepts(sri("sha256").replaceAll("+", "-").replaceAll("/", "_"))).toBe(true);
    expect(accepts(sri("sha256").replace(/=+$/, ""))).toBe(true);
  });

  it("tells what it found", () => {
    expect(integrityFailure(bytes, parseIntegrity(other("sha384")) ?? [])).toContain(sri("sha384"));
  });

  it.each(["", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha256-abc", "md5-x", "sha256", "x sha256-y"])(
    "refuses %j",
    (integrity) => expect(parseIntegrity(integrity)).toBeUndefined(),
  );
});
