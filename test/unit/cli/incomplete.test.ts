import { expect, it } from "vitest";
import { isIncomplete } from "../../../src/cli/incomplete.ts";

it.each([
  "f = {",
  "call(1,",
  "[",
  "`a",
  "`a ${",
  "`a ${b} c",
  "`${`",
  "if (x) {\n  y();",
  "1 /* why",
  "a\n/*\nb",
])("%j goes on", (source) => expect(isIncomplete(source)).toBe(true));

it.each([
  "",
  "1 + 1",
  "f = {}",
  "`a ${b} c`",
  "`a\nb`",
  "/[(]/.test('{')",
  "'/*'",
  "`/*`",
  "1 // (",
  "/* a */ 1",
  // Wrong, and no better for going on.
  ")",
  "'unterminated",
])("%j does not", (source) => expect(isIncomplete(source)).toBe(false));
