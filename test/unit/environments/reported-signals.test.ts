import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ReportedSignals } from "../../../src/environments/reported-signals.ts";

const REPORT = { runId: 5, entry: 1000, ageMs: 30, polls: 7 };

function setUp() {
  const line = { cancel: vi.fn(), answer: vi.fn(), look: vi.fn(), onSilent: vi.fn() };
  return { line, signals: new ReportedSignals(line) };
}

describe("reported signals", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "Date"], now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("know nothing before the first report, and ask once for each", () => {
    const { line, signals } = setUp();
    expect(signals.activity()).toBe(undefined);
    expect(signals.activity()).toBe(undefined);
    expect(line.look).toHaveBeenCalledTimes(1);
    signals.report(REPORT);
    expect(signals.activity()).toEqual({ runId: 5, enteredAt: 999_970, polls: 7 });
    expect(line.look).toHaveBeenCalledTimes(2);
  });

  test("date an entry once, by this side's clock", () => {
    const { signals } = setUp();
    signals.report(REPORT);
    vi.advanceTimersByTime(50);
    signals.report({ ...REPORT, ageMs: 95, polls: 9 });
    expect(signals.activity()).toEqual({ runId: 5, enteredAt: 999_970, polls: 9 });
    signals.report({ ...REPORT, entry: 1090, ageMs: 5 });
    expect(signals.activity()).toMatchObject({ enteredAt: 1_000_045 });
  });

  test("do not pass off what is old", () => {
    const { signals } = setUp();
    signals.report(REPORT);
    vi.advanceTimersByTime(1001);
    expect(signals.activity()).toBe(undefined);
  });

  test("notice a relay that has stopped answering, unless this side was away itself", () => {
    const { line, signals } = setUp();
    signals.activity();
    vi.advanceTimersByTime(60_000);
    signals.activity();
    expect(line.onSilent).not.toHaveBeenCalled();
    for (let look = 0; look < 20; look++) signals.activity();
    expect(line.onSilent).toHaveBeenCalledWith(60_000);
  });

  test("keep the worker's last words", () => {
    const { line, signals } = setUp();
    signals.end(REPORT);
    vi.advanceTimersByTime(60_000);
    expect(signals.activity()).toMatchObject({ runId: 5 });
    expect(line.look).not.toHaveBeenCalled();
  });

  test("say that nothing is known of a worker that ended without a word", () => {
    const { signals } = setUp();
    signals.report(REPORT);
    signals.end(undefined);
    expect(signals.activity()).toBe(undefined);
  });

  test("keep what a worker was ended for", () => {
    const { signals } = setUp();
    signals.report(REPORT);
    signals.stop();
    signals.end(undefined);
    vi.advanceTimersByTime(60_000);
    expect(signals.activity()).toMatchObject({ runId: 5 });
  });

  test("remember what was inside for a while, where what is told afterwards arrives", () => {
    const { line, signals } = setUp();
    const kept = new ReportedSignals(line, { keepsLastWords: true });
    for (const reported of [signals, kept])
      reported.report({ runId: 7, entry: 1, ageMs: 60, polls: 1 });
    vi.advanceTimersByTime(5000);
    kept.end(undefined);
    signals.end(undefined);
    expect([signals.lastSeenRunId(), kept.lastSeenRunId()]).toEqual([0, 7]);
  });

  test("remember nothing of what has only just begun, or is over", () => {
    const { line } = setUp();
    const signals = new ReportedSignals(line, { keepsLastWords: true });
    signals.report({ runId: 7, entry: 1, ageMs: 60, polls: 1 });
    signals.report({ runId: 8, entry: 2, ageMs: 0, polls: 2 });
    expect(signals.lastSeenRunId()).toBe(0);
    signals.report({ runId: 8, entry: 2, ageMs: 50, polls: 3 });
    signals.report({ runId: 0, entry: 2, ageMs: 100, polls: 4 });
    expect(signals.lastSeenRunId()).toBe(0);
  });
});
