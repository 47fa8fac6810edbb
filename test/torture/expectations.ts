/** How vectors say what must have become of them. */
import { expect } from "vitest";
import { GuestError, type RunOutcome, SkepError, type SkepErrorCode } from "skep";
import type { Expectation, TortureTerrain } from "./vector.ts";

/** The attack ended by itself, with this value. */
export function gives(value: unknown): Expectation {
  return (outcome) => expect(shown(outcome)).toEqual({ value });
}

/** The attack ended by itself; `look` throws when its value is wrong. */
export function givesWhat(look: (value: never) => void): Expectation {
  return (outcome) => {
    expect(outcome.ok ? "ok" : show(shown(outcome))).toBe("ok");
    if (outcome.ok) look(outcome.value as never);
  };
}

/** The run was ended or refused with this code, and says so in words. */
export function failsWith(code: SkepErrorCode, message: RegExp = /./): Expectation {
  return (outcome) => {
    // A value that should not be here may be large: comparing it would take longer than the run.
    const found = outcome.ok ? { value: show(outcome.value) } : shown(outcome);
    expect(found).toMatchObject({ code, message: expect.stringMatching(message) });
    if (outcome.ok) return;
    expect(outcome.error).toBeInstanceOf(SkepError);
    expect(outcome.error instanceof GuestError).toBe(code === "guest-error");
    expect(String(outcome.error.stack)).not.toMatch(code === "guest-error" ? HOST_FRAME : /(?!)/);
  };
}

/** What the guest threw came out, as data. */
export function throws(name: string, message: RegExp = /(?:)/): Expectation {
  return (outcome, stage) => {
    failsWith("guest-error", /(?:)/)(outcome, stage);
    expect(shown(outcome)).toMatchObject({ name, message: expect.stringMatching(message) });
  };
}

/** One of several ends is as good as another. */
export function either(...expectations: Expectation[]): Expectation {
  return (outcome, stage) => {
    const reasons: unknown[] = [];
    for (const expectation of expectations) {
      try {
        return expectation(outcome, stage);
      } catch (error) {
        reasons.push(error);
      }
    }
    throw new AggregateError(reasons, `None of the allowed ends: ${show(shown(outcome))}`);
  };
}

/** Both hold. */
export function both(...expectations: Expectation[]): Expectation {
  return (outcome, stage) => {
    for (const expectation of expectations) expectation(outcome, stage);
  };
}

/** What is expected depends on where it runs. */
export function where(choose: (terrain: TortureTerrain) => Expectation): Expectation {
  return (outcome, stage) => choose(stage.terrain)(outcome, stage);
}

/** Nothing the guest did reached `host.take`. */
export const tookNothing: Expectation = (_outcome, { desk }) => {
  expect(desk.taken, "calls of host.take").toEqual([]);
};

/** How often the guest got through the door to the host, heard there or not. */
export function calls(count: number): Expectation {
  return ({ receipt }, stage) => {
    expect(receipt.hostCalls, "calls into the host").toBe(count);
    tookNothing({ ok: true, value: undefined, receipt }, stage);
  };
}

/** Frames and paths of the host: never in what a guest's error says. */
const HOST_FRAME = /node:internal|file:\/\/|https?:\/\/|node_modules|\/src\/|\/dist\//;

function shown(outcome: RunOutcome): Record<string, unknown> {
  if (outcome.ok) return { value: outcome.value };
  const { error } = outcome;
  const data = error instanceof GuestError ? error.data : undefined;
  return { code: error.code, name: error.name, message: error.message, data };
}

function show(value: unknown): string {
  if (Array.isArray(value) && value.length > 100) return `an array of ${value.length}`;
  try {
    return JSON.stringify(value)?.slice(0, 500) ?? String(value);
  } catch {
    return String(value).slice(0, 500);
  }
}
