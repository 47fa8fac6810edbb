import { expect, test } from "vitest";
import { loadPart } from "../../src/load-part.ts";

test("a part that is there is what its module exports", async () => {
  const { loadPart: loaded } = await loadPart("tests", () => import("../../src/load-part.ts"));
  expect(loaded).toBe(loadPart);
});

test("a part whose file is gone says what is missing and what to do", async () => {
  const gone = new URL("chunk-gone.js", import.meta.url).href;
  const error = await loadPart("running pools", () => import(/* @vite-ignore */ gone)).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    code: "unsupported-environment",
    message: expect.stringMatching(
      /^The part of skep for running pools could not be loaded: .*chunk-gone\.js.*Serve every file of the build/s,
    ),
    cause: expect.any(Error),
  });
});
