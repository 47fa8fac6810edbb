import { describe, expect, test } from "vitest";
import { codeFrame } from "../../../src/pool/code-frame.ts";

function frame(text: string, line: number, column: number): string | undefined {
  return codeFrame(text, { file: "x.js", line, column });
}

describe("a code frame", () => {
  test("shows two lines around the place", () => {
    expect(frame("1\n2\n3\n4 bad\n5\n6\n7", 4, 3)).toBe(
      ["  2 | 2", "  3 | 3", "> 4 | 4 bad", "    |   ^", "  5 | 5", "  6 | 6"].join("\n"),
    );
  });

  test("at the first and the last line shows what there is", () => {
    expect(frame("first\nsecond", 1, 1)).toBe("> 1 | first\n    | ^\n  2 | second");
    expect(frame("first\nsecond", 2, 7)).toBe("  1 | first\n> 2 | second\n    |       ^");
    expect(frame("only", 1, 1)).toBe("> 1 | only\n    | ^");
    expect(frame("", 1, 1)).toBe("> 1 |\n    | ^");
  });

  test("can mark the empty line after the last line feed, and else leaves it out", () => {
    expect(frame("a\n", 2, 1)).toBe("  1 | a\n> 2 |\n    | ^");
    expect(frame("a\n", 1, 1)).toBe("> 1 | a\n    | ^");
  });

  test("of a line that is not there is none", () => {
    expect(frame("a\nb", 3, 1)).toBe(undefined);
    expect(frame("a\nb", 0, 1)).toBe(undefined);
    expect(frame("a\nb", 99, 1)).toBe(undefined);
  });

  test("keeps the numbers of lines in one column", () => {
    const text = Array.from({ length: 101 }, (_, index) => `line ${index + 1}`).join("\n");
    expect(frame(text, 99, 1)).toBe(
      [
        "   97 | line 97",
        "   98 | line 98",
        ">  99 | line 99",
        "      | ^",
        "  100 | line 100",
        "  101 | line 101",
      ].join("\n"),
    );
  });

  test("puts the mark under its place behind tabs and carriage returns", () => {
    expect(frame("\tif (x) {\r\n\t\tbad\r\n\t}\r\n", 2, 3)).toBe(
      "  1 |   if (x) {\n> 2 |     bad\n    |     ^\n  3 |   }",
    );
  });

  test("puts the mark under its place behind wide, joined and combining characters", () => {
    // One wide space for a wide character, none for what takes no room.
    expect(frame("'日本'; bad", 1, 7)).toBe("> 1 | '日本'; bad\n    |  \u3000\u3000   ^");
    expect(frame("'👍'; bad", 1, 6)).toBe("> 1 | '👍'; bad\n    |  \u3000   ^");
    expect(frame("'e\u0301'; bad", 1, 7)).toBe("> 1 | 'e\u0301'; bad\n    |      ^");
    // Columns are characters: this one is two code units.
    expect(frame("'𝒳'; bad", 1, 6)).toBe("> 1 | '𝒳'; bad\n    |      ^");
  });

  test("cuts long lines, all of them alike", () => {
    const long = `${"a".repeat(500)}BAD${"b".repeat(500)}`;
    const [before, marked = "", mark = "", after] = (
      frame(`short\n${long}\n${"c".repeat(600)}`, 2, 501) ?? ""
    ).split("\n");
    expect(before).toBe("  1 | …");
    expect(marked).toMatch(/^> 2 \| …a{60}BADb+…$/);
    expect(marked.indexOf("BAD")).toBe(mark.indexOf("^"));
    expect(marked.length).toBeLessThan(115);
    expect(after).toMatch(/^ {2}3 \| …c{100}…$/);
    expect(frame("x".repeat(1_000), 1, 5)).toBe(`> 1 | ${"x".repeat(100)}…\n    |     ^`);
  });

  test("marks the end of a line, and beyond it", () => {
    expect(frame("let a", 1, 6)).toBe("> 1 | let a\n    |      ^");
    expect(frame("let a", 1, 60)).toBe("> 1 | let a\n    |      ^");
  });

  test("shows nothing that a terminal would obey", () => {
    const text = "a\u001b[31mred\u0007\u202e\u2066b\ud800c\u0085";
    expect(frame(text, 1, 1)).toBe("> 1 | a·[31mred···b·c·\n    | ^");
    expect(frame("a\rb\u2028c", 1, 1)).toBe("> 1 | a·b·c\n    | ^");
  });
});
