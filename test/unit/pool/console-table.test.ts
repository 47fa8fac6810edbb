/** Tables of the console, with those of Node's own for comparison. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { consoleText } from "../../../src/pool/console-text.ts";

function nodeTable(...values: [unknown, string[]?]): string {
  let text = "";
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  new Console({ stdout, colorMode: false }).table(...values);
  return text.trimEnd();
}

test.each<[unknown, string[]?]>([
  [undefined],
  [5, ["a"]],
  ["text"],
  [[]],
  [{}],
  [[1, "a", null, undefined]],
  [[[1, 2], [3]]],
  [{ a: { x: 1 }, b: { y: 2 }, c: 3 }],
  [[{ a: 1, b: 2 }, { b: 3 }, 5], ["b"]],
  [[{ a: 1 }], []],
  [[{ a: 1 }], ["missing"]],
  [[{ a: { b: { c: 1 } } }, { a: [1, 2] }]],
  [
    new Map<unknown, unknown>([
      ["a", 1],
      [{ k: 1 }, [1, 2]],
    ]),
  ],
  [new Map()],
  [new Set<unknown>([1, "a", { x: 1 }])],
  [new Set()],
  [[{ 日本: "語" }, { 日本: "ab" }]],
  [new Uint8Array([1, 2])],
])("%j %j", (data, columns) => {
  const values: [unknown, string[]?] = columns === undefined ? [data] : [data, columns];
  expect(consoleText(values, "table")).toBe(nodeTable(...values));
});
