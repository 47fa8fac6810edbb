import { describe, expect, test } from "vitest";
import { definitionsIn, resolveOptions } from "../../../src/pool/options.ts";
import { WEB_API_NAMES } from "../../../src/protocol/web-apis.ts";
import { ScriptedEnvironment, scriptedPlatform } from "./scripted-environment.ts";

const environment = new ScriptedEnvironment();
const platform = scriptedPlatform(environment);

describe("resolveOptions", () => {
  test("fills in the documented defaults", () => {
    expect(resolveOptions(platform, {})).toEqual({
      workers: 2,
      environment,
      warning: undefined,
      engine: "sync",
      isolation: "call",
      webApis: [...WEB_API_NAMES],
      fetch: undefined,
      limits: {
        timeoutMs: 30_000,
        totalMs: 0,
        endsAt: 0,
        cpuMs: 0,
        gas: 0,
        memoryBytes: 64 * 2 ** 20,
        stackBytes: environment.stackBytes.sync,
        hostCalls: 10_000,
        bytesIn: 64 * 2 ** 20,
        bytesOut: 64 * 2 ** 20,
        consoleBytes: 2 ** 20,
        graceMs: 250,
      },
      queueMax: 10_000,
      queueMaxPerKey: 0,
      quarantine: { after: 3, forMs: 60_000 },
      recycle: { afterRuns: 0, aboveMemoryBytes: 0 },
      memory: { maxBytes: 0 },
      maxInFlightPerWorker: 64,
      maxParkedPerWorker: 1_000,
      restart: {
        maxPerWorker: 3,
        baseDelayMs: 100,
        maxDelayMs: 5_000,
        jitterMs: 100,
        healthyAfterMs: 60_000,
        maxAttemptsPerRun: 3,
      },
      startTimeoutMs: 10_000,
      installTimeoutMs: 10_000,
      closeTimeoutMs: 10_000,
    });
    expect(resolveOptions({ ...platform, cores: 1 }, {}).workers).toBe(1);
  });

  test("an environment without threads has one worker", () => {
    const alone = Object.assign(new ScriptedEnvironment(), { threaded: false });
    expect(resolveOptions(platform, { environment: alone, workers: 4 }).workers).toBe(1);
  });

  const wrong: [string, unknown, RegExp][] = [
    ["no object", [], /options must be an object/],
    ["an unknown option", { worker: 2 }, /no option "worker". Did you mean "workers"/],
    ["a strange option", { colour: 2 }, /The options are workers, /],
    ["no workers", { workers: 0 }, /workers must be a whole number of at least 1/],
    ["half a worker", { workers: 1.5 }, /not 1\.5/],
    ["words for numbers", { workers: "2" }, /workers must be/],
    ["an unknown engine", { engine: "v8" }, /engine must be/],
    ["an unknown isolation", { isolation: "none" }, /isolation must be/],
    [
      "an unknown word for web APIs",
      { webApis: "some" },
      /webApis must be "all", "none" or a list/,
    ],
    ["an unknown web API", { webApis: ["fetches"] }, /no web API fetches\. It must be .*console/],
    ["a negative limit", { limits: { timeoutMs: -1 } }, /limits\.timeoutMs/],
    ["a limit that is not one", { limits: { timeout: 1 } }, /Did you mean "timeoutMs"/],
    ["too little memory", { limits: { memoryBytes: 10 } }, /limits\.memoryBytes/],
    ["endless memory", { limits: { memoryBytes: Infinity } }, /limits\.memoryBytes/],
    ["a negative queue", { queue: { max: -1 } }, /queue\.max/],
    ["no runs in flight", { maxInFlightPerWorker: 0 }, /maxInFlightPerWorker/],
    ["a bad restart option", { restart: { jitterMs: Number.NaN } }, /restart\.jitterMs/],
    ["a bootstrap that is no text", { bootstrap: () => 1 }, /bootstrap/],
    ["no time to start", { startTimeoutMs: 0 }, /startTimeoutMs/],
    ["an environment that is none", { environment: {} }, /open\(\)/],
  ];
  for (const [what, options, message] of wrong) {
    test(`refuses ${what}`, () => {
      expect(() => resolveOptions(platform, options as never)).toThrow(message);
      try {
        resolveOptions(platform, options as never);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid-argument" });
      }
    });
  }

  test("names the environments there are", () => {
    expect(() => resolveOptions(platform, { environment: "web-worker" })).toThrow(
      expect.objectContaining({ code: "unsupported-environment" }),
    );
    expect(() => resolveOptions(platform, { environment: "toString" })).toThrow(/auto, scripted/);
  });
});

test("definitionsIn leaves the pool's own options out", () => {
  const functions = { add: "() => 1" };
  expect(definitionsIn({ functions, workers: 1 })).toEqual({ functions });
});
