import { expect, test } from "vitest";
import type { EngineStart, WorkerReady } from "../../../src/protocol/control.ts";
import { SharedStart } from "../../../src/pool/shared-start.ts";
import { settle } from "./fake-clock.ts";
import { watched } from "./stage.ts";

const START: EngineStart = { engineBuild: "test", state: { image: 1 } };

/** Workers that are being initialised, answered by the test. */
function workers() {
  const shared = new SharedStart();
  const asked: {
    given: EngineStart | undefined;
    answer(ready: Partial<WorkerReady>): void;
    fail(): void;
  }[] = [];
  function initialise(): Promise<WorkerReady> {
    return watched(
      shared.initialise(
        (given) =>
          new Promise((resolve, reject) => {
            asked.push({
              given,
              answer: (ready) => resolve({ engineBuild: "test", ...ready }),
              fail: () => reject(new Error("refused")),
            });
          }),
      ),
    );
  }
  return { asked, initialise };
}

test("the first worker boots the engine; the others, and later ones, take over what it made", async () => {
  const { asked, initialise } = workers();
  const ends = [initialise(), initialise(), initialise()];
  await settle();
  expect(asked.map(({ given }) => given)).toEqual([undefined]);
  asked[0]!.answer({ start: START });
  await settle();
  expect(asked.map(({ given }) => given)).toEqual([undefined, START, START]);
  for (const worker of asked.slice(1)) worker.answer({});
  await Promise.all(ends);
  void initialise();
  await settle();
  expect(asked.at(-1)?.given).toBe(START);
});

test("when the first fails, the others boot for themselves, at the same time", async () => {
  const { asked, initialise } = workers();
  const first = initialise();
  const others = [initialise(), initialise()];
  await settle();
  asked[0]!.fail();
  await expect(first).rejects.toThrow("refused");
  await settle();
  expect(asked.map(({ given }) => given)).toEqual([undefined, undefined, undefined]);
  asked[2]!.answer({ start: START });
  asked[1]!.answer({ start: { engineBuild: "test", state: "another" } });
  await Promise.all(others);
  void initialise();
  await settle();
  expect(asked.at(-1)?.given).toBe(START);
});

test("workers that pass nothing on all boot for themselves", async () => {
  const { asked, initialise } = workers();
  void initialise();
  void initialise();
  await settle();
  asked[0]!.answer({});
  await settle();
  expect(asked.map(({ given }) => given)).toEqual([undefined, undefined]);
});
