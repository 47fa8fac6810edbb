import { PassThrough } from "node:stream";
import { afterEach, expect, it, vi } from "vitest";
import { GuestError, SkepError } from "../../../src/errors.ts";
import { EXIT, exitCodeOf } from "../../../src/cli/exit-codes.ts";
import {
  describeError,
  hasColours,
  showProgress,
  shown,
  toJson,
} from "../../../src/cli/terminal.node.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

it("has colours on terminals only, and not where they are unwanted", () => {
  vi.stubEnv("NO_COLOR", "");
  vi.stubEnv("TERM", "xterm");
  expect(hasColours({ isTTY: true })).toBe(true);
  expect(hasColours({})).toBe(false);
  vi.stubEnv("NO_COLOR", "1");
  expect(hasColours({ isTTY: true })).toBe(false);
  vi.stubEnv("NO_COLOR", "");
  vi.stubEnv("TERM", "dumb");
  expect(hasColours({ isTTY: true })).toBe(false);
});

it("shows values for people and for programs", () => {
  expect(shown("a\nb\u001b[2J", false)).toBe("a\nb\\x1b[2J");
  expect(shown({ a: [1n] }, false)).toBe("{ a: [ 1n ] }");
  expect(shown(1, true)).toContain("\u001b[33m");
  expect(toJson(undefined)).toBe("null");
  expect(() => toJson(1n)).toThrow(SkepError);
});

it("describes errors with the place, and in colour where there is some", () => {
  const fields = { name: "TypeError", message: "no \u0007", stack: "", data: {} };
  const place = { location: { file: "a.js", line: 1, column: 2 }, frame: "> 1 | x" };
  expect(describeError(new GuestError(fields, undefined, place), false)).toBe(
    "TypeError: no \\x07\n    at a.js:1:2\n> 1 | x",
  );
  expect(describeError(new UsageError("wrong"), true)).toBe("\u001b[31mskep:\u001b[39m wrong");
});

it("tells the kinds of failure apart by exit code", () => {
  const guest = new GuestError({ name: "Error", message: "", stack: "", data: {} });
  const codes = [
    [guest, EXIT.guestError],
    [new UsageError(""), EXIT.usage],
    [new SkepError("invalid-argument", ""), EXIT.usage],
    [new SkepError("timeout", ""), EXIT.limit],
    [new SkepError("memory-exceeded", ""), EXIT.limit],
    [new SkepError("worker-lost", ""), EXIT.other],
    [new Error("other"), EXIT.other],
  ] as const;
  for (const [error, code] of codes) expect(exitCodeOf(error)).toBe(code);
  expect(EXIT).toEqual({ ok: 0, guestError: 1, usage: 2, limit: 3, other: 4 });
});

it("shows progress on terminals only, and only when something takes its time", () => {
  vi.useFakeTimers();
  const stream = (
    isTTY: boolean,
  ): { terminal: PassThrough & { isTTY: boolean }; text(): string } => {
    const terminal = Object.assign(new PassThrough(), { isTTY });
    return { terminal, text: () => String(terminal.read() ?? "") };
  };
  const quick = stream(true);
  const stopQuick = showProgress(quick.terminal, "loading");
  vi.advanceTimersByTime(800);
  stopQuick();
  expect(quick.text()).toBe("");
  const slow = stream(true);
  const stop = showProgress(slow.terminal, "loading");
  vi.advanceTimersByTime(1_200);
  expect(slow.text()).toContain("\rloading 1.");
  stop();
  expect(slow.text()).toBe("\r\u001b[K");
  const file = stream(false);
  const stopFile = showProgress(file.terminal, "loading");
  vi.advanceTimersByTime(5_000);
  stopFile();
  expect(file.text()).toBe("");
});
