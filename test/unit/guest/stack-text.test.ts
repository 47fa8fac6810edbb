import { expect, test } from "vitest";
import { RUN_MARK, tidyStack } from "../../../src/guest/marshal/stack-text.ts";

test("frames of the library are left out, with the natives it called", () => {
  const stack = [
    "    at user (add.js:1:2)",
    "    at map (native)",
    "    at <anonymous> (./lib.js:3:4)",
    "    at apply (native)",
    "    at runTimer",
    "    at URL",
    "    at load (skep:boot:1:2)",
    "    at <eval> (eval.js:1:1)",
    "",
  ];
  expect(tidyStack(stack.join("\n"))).toBe([...stack.slice(0, 3), ...stack.slice(7)].join("\n"));
});

test("marks of runs are taken off file names", () => {
  expect(tidyStack(`    at f (./a.js${RUN_MARK}12:3:4)\n    at b.js${RUN_MARK}7:1:2\n`)).toBe(
    "    at f (./a.js:3:4)\n    at b.js:1:2\n",
  );
});

test("texts that are no stacks stay as they are", () => {
  for (const text of ["", "at home", "Error: x\nat y", `look at${RUN_MARK}`]) {
    expect(tidyStack(text)).toBe(text);
  }
});
